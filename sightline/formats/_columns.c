/* Columns out of JSON objects, one a line, without a Python object for a row: see sightline/formats/columns.py.
 *
 * Decodes the plain case, strictly, and gives all others up: then msgspec decodes or refuses the whole batch. So what
 * is right here is what msgspec says, and this must only never accept what msgspec refuses, or read it differently.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>

#include "_json_text.h"
#include "_json_time.h"

#define COLUMNS_MAX 64
#define FIELDS_MAX 64         /* of an object: so many names are expected where they were in the object before */
#define TEXTS 4096            /* strings that are kept: a power of two */
#define TEXT_BYTES_MAX 64     /* of one that is kept */
#define INTEGER_DIGITS_MAX 18 /* all of them fit into an int64 */
#define DOUBLE_BYTES_MAX 64

enum { TEXT, INTEGER, DOUBLE, BOOLEAN, TIME };

static const char *const KINDS[] = {"text", "integer", "double", "boolean", "time"}; /* as above */

typedef struct {
    PyObject *name; /* bytes */
    int kind;
    int64_t most; /* of an INTEGER; the least is one more from 0 */
} Column;

typedef struct {
    PyObject_HEAD
    Py_ssize_t count;
    Column columns[COLUMNS_MAX];
    PyObject *texts[TEXTS]; /* ASCII, by hash, in sets of two */
} Decoder;

/* A string that was found; `made` where it is not ASCII, or null. */
typedef struct {
    const char *from;
    size_t size;
    PyObject *made;
} Text;

/* A column of strings, each made when it is asked for. */
typedef struct {
    PyObject_VAR_HEAD
    Decoder *decoder;
    PyObject *lines; /* where they lie */
    Text texts[];
} Texts;

typedef struct {
    const char *name;
    size_t size;
    Py_ssize_t column; /* -1: none */
} Field;

static PyTypeObject DecoderType, TextsType;

/* ---- Values ---- */

static inline int is_text(PyObject *text, const char *from, size_t size) {
    return text && (size_t)PyUnicode_GET_LENGTH(text) == size && same((char *)PyUnicode_1BYTE_DATA(text), from, size);
}

static PyObject *ascii_new(const char *from, size_t size) {
    PyObject *made = PyUnicode_New((Py_ssize_t)size, 127);
    if (made && size)
        memcpy(PyUnicode_1BYTE_DATA(made), from, size);
    return made;
}

/* An ASCII string. Columns repeat their values: one that is at hand costs no object, and has its hash already. */
static PyObject *ascii(Decoder *self, const char *from, size_t size) {
    uint64_t hash = size, word = 0, odd = UINT64_C(0x9E3779B97F4A7C15);
    PyObject **set, *made;
    if (!size || size > TEXT_BYTES_MAX)
        return ascii_new(from, size);
    size_t i = 0;
    for (; i + 8 <= size; i += 8, odd += UINT64_C(0xD1B54A32D192ED04))
        hash += load8(from + i) * odd;
    memcpy(&word, from + i, size - i);
    hash += word * odd;
    set = self->texts + ((hash ^ hash >> 32) >> 8 & (TEXTS - 2));
    if (is_text(set[0], from, size))
        return Py_NewRef(set[0]);
    if (is_text(set[1], from, size))
        return Py_NewRef(set[1]);
    if (!(made = ascii_new(from, size)))
        return NULL;
    Py_XDECREF(set[1]);
    set[1] = set[0];
    set[0] = Py_NewRef(made);
    return made;
}

static PyObject *integer(const char *from, const char *to, int64_t most) {
    int negative = *from == '-';
    int64_t value = 0;
    from += negative;
    if (to - from > INTEGER_DIGITS_MAX)
        return NULL;
    while (from < to)
        value = value * 10 + (*from++ - '0');
    return value - negative > most ? NULL : PyLong_FromLongLong(negative ? -value : value);
}

/* `whole`: it is written as an integer, of which -0 is 0. */
static PyObject *floating(const char *from, const char *to, int whole) {
    char text[DOUBLE_BYTES_MAX + 1];
    if (to - from > DOUBLE_BYTES_MAX)
        return NULL;
    memcpy(text, from, (size_t)(to - from));
    text[to - from] = 0;
    double value = PyOS_string_to_double(text, NULL, NULL); /* infinite where it is too large */
    return isfinite(value) ? PyFloat_FromDouble(whole && value == 0 ? 0.0 : value) : NULL;
}

/* The time in the string at `*at`, which is moved behind it; NULL to give up. */
static PyObject *moment(const char **at, const char *end) {
    int ignored;
    int64_t time_us;
    const char *from = *at + 1, *to = **at == '"' ? text_end(from, end, &ignored) : NULL;
    if (!to || !time_of(from, to, &time_us))
        return NULL;
    *at = to + 1;
    return PyLong_FromLongLong(time_us);
}

/* After the string at `at`; NULL, perhaps with an exception, to give up. */
static const char *text_of(const char *at, const char *end, Text *text) {
    int ascii = 1;
    PyObject *made = NULL;
    if (*at == 'n') {
        at = word_end(at, end, "null", 4);
        made = at ? Py_NewRef(Py_None) : NULL;
    } else if (*at == '"' && (at = text_end(text->from = at + 1, end, &ascii))) {
        text->size = (size_t)(at++ - text->from);
        if (!ascii && !(made = PyUnicode_DecodeUTF8(text->from, (Py_ssize_t)text->size, NULL)))
            at = NULL;
    } else
        at = NULL;
    Py_XSETREF(text->made, made);
    return at;
}

/* The value at `*at`, which is moved behind it; NULL, perhaps with an exception, to give up. */
static PyObject *value_of(const Column *column, const char **at, const char *end) {
    const char *from = *at;
    int whole;
    if (*from == 'n')
        return (*at = word_end(from, end, "null", 4)) ? Py_NewRef(Py_None) : NULL;
    if (column->kind == TIME)
        return moment(at, end);
    if (column->kind == BOOLEAN) {
        if ((*at = word_end(from, end, "true", 4)))
            return Py_NewRef(Py_True);
        return (*at = word_end(from, end, "false", 5)) ? Py_NewRef(Py_False) : NULL;
    }
    if (!(*at = number_end(from, &whole)))
        return NULL;
    if (column->kind == DOUBLE)
        return floating(from, *at, whole);
    return whole ? integer(from, *at, column->most) : NULL;
}

/* ---- Objects ---- */

static Py_ssize_t column_of(const Decoder *self, const char *name, size_t size) {
    for (Py_ssize_t i = 0; i < self->count; i++)
        if ((size_t)PyBytes_GET_SIZE(self->columns[i].name) == size &&
            !memcmp(PyBytes_AS_STRING(self->columns[i].name), name, size))
            return i;
    return -1;
}

/* After the name at `at` and its colon, with the name's column; `field` is what stood there in the object before. */
static inline const char *name_end(Decoder *self, const char *at, const char *end, Field *field) {
    int ignored;
    if (*at++ != '"')
        return NULL;
    if ((size_t)(end - at) > field->size && field->name && at[field->size] == '"' &&
        same(at, field->name, field->size))
        at += field->size;
    else {
        field->name = at;
        if (!(at = text_end(at, end, &ignored))) {
            field->name = NULL;
            return NULL;
        }
        field->size = (size_t)(at - field->name);
        field->column = column_of(self, field->name, field->size);
    }
    at = spaces(at + 1);
    return *at == ':' ? spaces(at + 1) : NULL;
}

static int set_value(Decoder *self, PyObject *made, Py_ssize_t row, Py_ssize_t column, const char **at, const char *end) {
    PyObject *into = PyTuple_GET_ITEM(made, column);
    if (self->columns[column].kind == TEXT)
        return (*at = text_of(*at, end, ((Texts *)into)->texts + row)) != NULL;
    PyObject *value = value_of(self->columns + column, at, end);
    return value && !PyList_SetItem(into, row, value);
}

/* After an object, whose values go into `made`; NULL to give up. Of a name that comes twice the last one counts. */
static const char *object_end(Decoder *self, const char *at, const char *end, Field *fields, PyObject *made,
                              Py_ssize_t row) {
    if (*at != '{')
        return NULL;
    at = spaces(at + 1);
    if (*at == '}')
        return at + 1;
    for (int number = 0; number < FIELDS_MAX; number++, at = spaces(at + 1)) {
        Field *field = fields + number;
        if (!(at = name_end(self, at, end, field)))
            return NULL;
        if (field->column < 0)
            at = passed_over(at, end, 0);
        else if (!set_value(self, made, row, field->column, &at, end))
            return NULL;
        if (!at)
            return NULL;
        at = spaces(at);
        if (*at == '}')
            return at + 1;
        if (*at != ',')
            return NULL;
    }
    return NULL;
}

/* Whether `lines` was just `count` objects; their values go into `made`. */
static int objects(Decoder *self, const char *at, const char *end, Py_ssize_t count, PyObject *made) {
    Field fields[FIELDS_MAX] = {0};
    for (Py_ssize_t row = 0; row < count; row++) {
        at = object_end(self, at, end, fields, made, row);
        if (!at || (row + 1 < count && *at++ != '\n'))
            return 0;
    }
    return at == end;
}

static PyObject *texts_new(Decoder *self, PyObject *lines, Py_ssize_t count) {
    Texts *texts = PyObject_NewVar(Texts, &TextsType, count);
    if (!texts)
        return NULL;
    texts->decoder = (Decoder *)Py_NewRef(self);
    texts->lines = Py_NewRef(lines);
    for (Py_ssize_t i = 0; i < count; i++)
        texts->texts[i] = (Text){.made = Py_NewRef(Py_None)};
    return (PyObject *)texts;
}

static PyObject *nulls(Py_ssize_t count) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++)
        PyList_SET_ITEM(list, i, Py_NewRef(Py_None));
    return list;
}

/* decode(lines, count) -> a list or Texts for each column, or None where that is given up. */
static PyObject *decoder_decode(Decoder *self, PyObject *args) {
    PyObject *lines;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "Sn:decode", &lines, &count))
        return NULL;
    if (count < 1) {
        PyErr_SetString(PyExc_ValueError, "count is 1 at least");
        return NULL;
    }
    PyObject *made = PyTuple_New(self->count);
    for (Py_ssize_t i = 0; made && i < self->count; i++) {
        PyObject *column = self->columns[i].kind == TEXT ? texts_new(self, lines, count) : nulls(count);
        if (!column)
            Py_CLEAR(made);
        else
            PyTuple_SET_ITEM(made, i, column);
    }
    if (!made)
        return NULL;
    const char *text = PyBytes_AS_STRING(lines);
    if (objects(self, text, text + PyBytes_GET_SIZE(lines), count, made))
        return made;
    Py_DECREF(made);
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        return NULL;
    PyErr_Clear();
    Py_RETURN_NONE;
}

/* ---- Texts ---- */

static void texts_dealloc(Texts *self) {
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++)
        Py_XDECREF(self->texts[i].made);
    Py_DECREF(self->decoder);
    Py_DECREF(self->lines);
    PyObject_Free(self);
}

static Py_ssize_t texts_length(Texts *self) { return Py_SIZE(self); }

static PyObject *text_made(Texts *self, const Text *text) {
    return text->made ? Py_NewRef(text->made) : ascii(self->decoder, text->from, text->size);
}

static int same_text(const Text *a, const Text *b) {
    if (a->made || b->made)
        return a->made && b->made && PyObject_RichCompareBool(a->made, b->made, Py_EQ);
    return a->size == b->size && same(a->from, b->from, a->size);
}

static PyObject *texts_rest(Texts *self, PyObject *number) {
    Py_ssize_t first = PyNumber_AsSsize_t(number, PyExc_IndexError);
    if (first == -1 && PyErr_Occurred())
        return NULL;
    first = first < 0 ? 0 : first > Py_SIZE(self) ? Py_SIZE(self) : first;
    PyObject *list = PyList_New(Py_SIZE(self) - first);
    for (Py_ssize_t i = first; list && i < Py_SIZE(self); i++) {
        PyObject *each = text_made(self, self->texts + i);
        if (!each)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i - first, each);
    }
    return list;
}

static PyObject *texts_take(Texts *self, PyObject *indexes) {
    if (!PyList_Check(indexes)) {
        PyErr_SetString(PyExc_TypeError, "a list of indexes was expected");
        return NULL;
    }
    PyObject *list = PyList_New(PyList_GET_SIZE(indexes));
    for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(indexes); i++) {
        Py_ssize_t index = PyLong_AsSsize_t(PyList_GET_ITEM(indexes, i));
        if ((index < 0 || index >= Py_SIZE(self)) && !PyErr_Occurred())
            PyErr_SetString(PyExc_IndexError, "no such index");
        PyObject *each = PyErr_Occurred() ? NULL : text_made(self, self->texts + index);
        if (!each)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, each);
    }
    return list;
}

static PyObject *texts_equal(Texts *self, PyObject *args) {
    Py_ssize_t first;
    Text wanted = {0};
    PyObject *value, *found;
    if (!PyArg_ParseTuple(args, "On:equal", &value, &first) || !(found = PyList_New(0)))
        return NULL;
    if (!PyUnicode_Check(value))
        return found; /* not even null: that equals nothing */
    if (PyUnicode_IS_COMPACT_ASCII(value))
        wanted.from = (const char *)PyUnicode_1BYTE_DATA(value), wanted.size = (size_t)PyUnicode_GET_LENGTH(value);
    else
        wanted.made = value;
    for (Py_ssize_t i = first < 0 ? 0 : first; found && i < Py_SIZE(self); i++)
        if (same_text(self->texts + i, &wanted)) {
            PyObject *index = PyLong_FromSsize_t(i);
            if (!index || PyList_Append(found, index))
                Py_CLEAR(found);
            Py_XDECREF(index);
        }
    return found;
}

/* The strings are not kept: one that stands in a row like this does not come again. */
static PyObject *texts_repeated(Texts *self, PyObject *function) {
    PyObject *results = PyList_New(Py_SIZE(self)), *result = NULL;
    for (Py_ssize_t i = 0; results && i < Py_SIZE(self); i++) {
        const Text *text = self->texts + i;
        if (i && same_text(text, text - 1))
            Py_INCREF(result);
        else {
            PyObject *each = text->made ? Py_NewRef(text->made) : ascii_new(text->from, text->size);
            result = each ? PyObject_CallOneArg(function, each) : NULL;
            Py_XDECREF(each);
        }
        if (!result)
            Py_CLEAR(results);
        else
            PyList_SET_ITEM(results, i, result);
    }
    return results;
}

static PyMethodDef texts_methods[] = {
    {"rest", (PyCFunction)texts_rest, METH_O, NULL},
    {"take", (PyCFunction)texts_take, METH_O, NULL},
    {"equal", (PyCFunction)texts_equal, METH_VARARGS, NULL},
    {"repeated", (PyCFunction)texts_repeated, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static PySequenceMethods texts_sequence = {.sq_length = (lenfunc)texts_length};
static PyTypeObject TextsType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "sightline.formats._columns.Texts",
    .tp_basicsize = sizeof(Texts),
    .tp_itemsize = sizeof(Text),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = (destructor)texts_dealloc,
    .tp_methods = texts_methods,
    .tp_as_sequence = &texts_sequence,
};

/* ---- Decoder ---- */

/* Decoder([(name, kind, most), …]) */
static int decoder_init(Decoder *self, PyObject *args, PyObject *Py_UNUSED(kwargs)) {
    PyObject *columns;
    if (!PyArg_ParseTuple(args, "O!:Decoder", &PyList_Type, &columns))
        return -1;
    if (self->count || PyList_GET_SIZE(columns) > COLUMNS_MAX) {
        PyErr_Format(PyExc_ValueError, "more than %d columns", COLUMNS_MAX);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(columns); i++) {
        Column *column = self->columns + i;
        const char *kind;
        long long most;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(columns, i), "SsL", &column->name, &kind, &most))
            return -1;
        for (column->kind = TEXT; column->kind <= TIME && strcmp(kind, KINDS[column->kind]); column->kind++)
            ;
        if (column->kind > TIME) {
            PyErr_Format(PyExc_ValueError, "no kind of column: %s", kind);
            return -1;
        }
        column->most = most;
        Py_INCREF(column->name);
        self->count++;
    }
    return 0;
}

static void decoder_dealloc(Decoder *self) {
    for (Py_ssize_t i = 0; i < self->count; i++)
        Py_DECREF(self->columns[i].name);
    for (size_t i = 0; i < TEXTS; i++)
        Py_XDECREF(self->texts[i]);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef decoder_methods[] = {
    {"decode", (PyCFunction)decoder_decode, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyTypeObject DecoderType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "sightline.formats._columns.Decoder",
    .tp_basicsize = sizeof(Decoder),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)decoder_init,
    .tp_dealloc = (destructor)decoder_dealloc,
    .tp_methods = decoder_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_columns", .m_size = -1};

PyMODINIT_FUNC PyInit__columns(void) {
    PyObject *made = PyModule_Create(&module);
    if (made && (PyModule_AddType(made, &TextsType) || PyModule_AddType(made, &DecoderType)))
        Py_CLEAR(made);
    return made;
}
