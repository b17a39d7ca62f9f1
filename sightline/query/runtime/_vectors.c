/* What generated code does with whole columns: see sightline/query/runtime/vectors.py, which says the same in Python. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define OTHERS 16

static int is_list(PyObject *values) {
    if (PyList_Check(values))
        return 1;
    PyErr_Format(PyExc_TypeError, "a list was expected, not %s", Py_TYPE(values)->tp_name);
    return 0;
}

static PyObject *equal(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *values, *value;
    Py_ssize_t first;
    if (!PyArg_ParseTuple(args, "OOn:list_equal", &values, &value, &first) || !is_list(values))
        return NULL;
    PyObject *found = PyList_New(0);
    PyObject *others[OTHERS] = {0}, *same = NULL; /* columns repeat their objects: these need not be compared again */
    for (Py_ssize_t i = first < 0 ? 0 : first; found && i < PyList_GET_SIZE(values); i++) {
        PyObject *each = PyList_GET_ITEM(values, i), **other = others + ((uintptr_t)each >> 4) % OTHERS;
        if (each == *other)
            continue;
        if (each != same) {
            int equals = PyObject_RichCompareBool(each, value, Py_EQ);
            if (equals < 0)
                Py_CLEAR(found);
            if (equals == 0)
                *other = each;
            if (equals <= 0)
                continue;
            same = each;
        }
        PyObject *index = PyLong_FromSsize_t(i);
        if (!index || PyList_Append(found, index))
            Py_CLEAR(found);
        Py_XDECREF(index);
    }
    return found;
}

static PyObject *take(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *values, *indexes;
    if (!PyArg_ParseTuple(args, "OO!:list_take", &values, &PyList_Type, &indexes) || !is_list(values))
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(indexes);
    PyObject *taken = PyList_New(count);
    for (Py_ssize_t i = 0; taken && i < count; i++) {
        Py_ssize_t index = PyLong_AsSsize_t(PyList_GET_ITEM(indexes, i));
        if (index < 0 || index >= PyList_GET_SIZE(values)) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_IndexError, "no such index");
            Py_CLEAR(taken);
        } else
            PyList_SET_ITEM(taken, i, Py_NewRef(PyList_GET_ITEM(values, index)));
    }
    return taken;
}

static PyObject *running_max(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *values, *top;
    Py_ssize_t first;
    if (!PyArg_ParseTuple(args, "OOn:running_max", &values, &top, &first) || !is_list(values))
        return NULL;
    long long most = PyLong_AsLongLong(top);
    PyObject *tops = most == -1 && PyErr_Occurred() ? NULL : PyList_New(PyList_GET_SIZE(values));
    for (Py_ssize_t i = 0; tops && i < PyList_GET_SIZE(values); i++) {
        PyObject *each = PyList_GET_ITEM(values, i);
        if (i >= first && each != top) {
            long long value = PyLong_AsLongLong(each);
            if (value == -1 && PyErr_Occurred()) {
                Py_CLEAR(tops);
                break;
            }
            if (value > most)
                most = value, top = each;
        }
        PyList_SET_ITEM(tops, i, Py_NewRef(top));
    }
    return tops;
}

static PyObject *largest(PyObject *Py_UNUSED(module), PyObject *values) {
    PyObject *top = NULL;
    long long most = 0;
    if (!is_list(values))
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values); i++) {
        PyObject *each = PyList_GET_ITEM(values, i);
        long long value = PyLong_AsLongLong(each);
        if (value == -1 && PyErr_Occurred())
            return NULL;
        if (!top || value > most)
            most = value, top = each;
    }
    if (!top)
        PyErr_SetString(PyExc_ValueError, "of no values none is the largest");
    return Py_XNewRef(top);
}

static PyObject *repeated(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *function, *values, *before = NULL, *result = NULL;
    if (!PyArg_ParseTuple(args, "OO:list_repeated", &function, &values) || !is_list(values))
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(values);
    PyObject *results = PyList_New(count);
    for (Py_ssize_t i = 0; results && i < count && i < PyList_GET_SIZE(values); i++) {
        PyObject *each = PyList_GET_ITEM(values, i);
        int equals = !before ? 0 : each == before ? 1 : PyObject_RichCompareBool(each, before, Py_EQ);
        if (!equals)
            result = PyObject_CallOneArg(function, each);
        else if (equals > 0)
            Py_INCREF(result);
        if (equals < 0 || !result) {
            Py_CLEAR(results);
            break;
        }
        PyList_SET_ITEM(results, i, result);
        before = each;
    }
    return results;
}

static PyMethodDef methods[] = {
    {"list_equal", equal, METH_VARARGS, NULL},
    {"list_take", take, METH_VARARGS, NULL},
    {"running_max", running_max, METH_VARARGS, NULL},
    {"largest", largest, METH_O, NULL},
    {"list_repeated", repeated, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_vectors", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__vectors(void) { return PyModule_Create(&module); }
