/* Records of a confluent_kafka.Consumer without a Python object for each: see sightline/io/native.py.
 *
 * Talks to the very librdkafka that confluent_kafka has loaded, through its public functions and the public, stable
 * layout of rd_kafka_message_t (https://github.com/confluentinc/librdkafka/blob/master/src/rdkafka.h). Nothing is
 * linked or included: the library lies inside a wheel, without headers.
 *
 * Whose memory: a Batch owns its messages, and holds on to its Queue, which holds on to the Consumer.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_headers_s rd_kafka_headers_t;

typedef struct {
    int err;
    rd_kafka_topic_t *rkt;
    int32_t partition;
    void *payload;
    size_t len;
    void *key;
    size_t key_len;
    int64_t offset;
    void *private_;
} rd_kafka_message_t;

#define RD_KAFKA_CONSUMER 1

static struct {
    int (*version)(void);
    const char *(*version_str)(void);
    int (*type)(const rd_kafka_t *);
    const char *(*name)(const rd_kafka_t *);
    rd_kafka_queue_t *(*queue_new)(rd_kafka_t *);
    void (*queue_destroy)(rd_kafka_queue_t *);
    rd_kafka_queue_t *(*queue_get_partition)(rd_kafka_t *, const char *, int32_t);
    void (*queue_forward)(rd_kafka_queue_t *, rd_kafka_queue_t *);
    ssize_t (*consume_batch_queue)(rd_kafka_queue_t *, int, rd_kafka_message_t **, size_t);
    const char *(*topic_name)(const rd_kafka_topic_t *);
    void (*message_destroy)(rd_kafka_message_t *);
    int64_t (*message_timestamp)(const rd_kafka_message_t *, int *);
    const char *(*message_errstr)(const rd_kafka_message_t *);
    int (*message_headers)(const rd_kafka_message_t *, rd_kafka_headers_t **);
    int (*header_get_all)(const rd_kafka_headers_t *, size_t, const char **, const void **, size_t *);
} lib;

typedef struct {
    PyObject_HEAD
    PyObject *consumer;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
} Queue;

typedef struct {
    PyObject_HEAD
    Queue *owner;
    PyObject *topic;
    int32_t partition;
    Py_ssize_t count, bytes, value_bytes_max;
    int64_t oldest_ms;
    rd_kafka_message_t **messages;
} Batch;

static PyTypeObject QueueType, BatchType;

/* ---- Batch ---- */

static void batch_dealloc(Batch *self) {
    for (Py_ssize_t i = 0; i < self->count; i++)
        lib.message_destroy(self->messages[i]);
    PyMem_Free(self->messages);
    Py_XDECREF(self->topic);
    Py_XDECREF(self->owner);
    PyObject_Free(self);
}

static Py_ssize_t batch_length(Batch *self) { return self->count; }

static PyObject *bytes_or_none(const void *data, size_t size) {
    if (!data)
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
}

static PyObject *batch_values(Batch *self, PyObject *Py_UNUSED(ignored)) {
    PyObject *list = PyList_New(self->count);
    for (Py_ssize_t i = 0; list && i < self->count; i++) {
        PyObject *value = bytes_or_none(self->messages[i]->payload, self->messages[i]->len);
        if (!value)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, value);
    }
    return list;
}

static PyObject *batch_lines(Batch *self, PyObject *Py_UNUSED(ignored)) {
    PyObject *joined = PyBytes_FromStringAndSize(NULL, self->bytes + self->count - 1);
    if (!joined)
        return NULL;
    char *to = PyBytes_AS_STRING(joined);
    for (Py_ssize_t i = 0; i < self->count; i++) {
        const char *text = self->messages[i]->payload;
        size_t size = self->messages[i]->len;
        if (!text || size < 2 || text[0] != '{' || text[size - 1] != '}') {
            Py_DECREF(joined);
            Py_RETURN_NONE;
        }
        if (i)
            *to++ = '\n';
        memcpy(to, text, size);
        to += size;
    }
    return joined;
}

/* Offsets, or timestamps in ms, as bytes of native int64. */
static PyObject *batch_offsets(Batch *self, PyObject *Py_UNUSED(ignored)) {
    PyObject *packed = PyBytes_FromStringAndSize(NULL, self->count * (Py_ssize_t)sizeof(int64_t));
    for (Py_ssize_t i = 0; packed && i < self->count; i++)
        memcpy(PyBytes_AS_STRING(packed) + i * sizeof(int64_t), &self->messages[i]->offset, sizeof(int64_t));
    return packed;
}

static PyObject *batch_timestamps(Batch *self, PyObject *Py_UNUSED(ignored)) {
    PyObject *packed = PyBytes_FromStringAndSize(NULL, self->count * (Py_ssize_t)sizeof(int64_t));
    for (Py_ssize_t i = 0; packed && i < self->count; i++) {
        int kind;
        int64_t ms = lib.message_timestamp(self->messages[i], &kind);
        memcpy(PyBytes_AS_STRING(packed) + i * sizeof(int64_t), &ms, sizeof ms);
    }
    return packed;
}

static PyObject *headers_of(const rd_kafka_message_t *message) {
    PyObject *list = PyList_New(0);
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    if (!list || lib.message_headers(message, &headers))
        return list;
    for (size_t i = 0; !lib.header_get_all(headers, i, &name, &value, &size); i++) {
        PyObject *text = PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "replace");
        PyObject *content = text ? bytes_or_none(value, size) : NULL;
        PyObject *pair = content ? PyTuple_Pack(2, text, content) : NULL;
        int bad = !pair || PyList_Append(list, pair);
        Py_XDECREF(text);
        Py_XDECREF(content);
        Py_XDECREF(pair);
        if (bad) {
            Py_DECREF(list);
            return NULL;
        }
    }
    return list;
}

/* (key, value, headers, timestamp in ms, offset) */
static PyObject *batch_record(Batch *self, PyObject *number) {
    Py_ssize_t index = PyNumber_AsSsize_t(number, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred())
        return NULL;
    if (index < 0)
        index += self->count;
    if (index < 0 || index >= self->count) {
        PyErr_SetString(PyExc_IndexError, "no such record in the batch");
        return NULL;
    }
    const rd_kafka_message_t *message = self->messages[index];
    int kind;
    int64_t ms = lib.message_timestamp(message, &kind);
    PyObject *headers = headers_of(message);
    PyObject *key = headers ? bytes_or_none(message->key, message->key_len) : NULL;
    PyObject *value = key ? bytes_or_none(message->payload, message->len) : NULL;
    if (!value) {
        Py_XDECREF(headers);
        Py_XDECREF(key);
        return NULL;
    }
    return Py_BuildValue("NNNLL", key, value, headers, (long long)ms, (long long)message->offset);
}

static PyObject *batch_get_topic(Batch *self, void *Py_UNUSED(closure)) { return Py_NewRef(self->topic); }
static PyObject *batch_get_partition(Batch *self, void *Py_UNUSED(closure)) { return PyLong_FromLong(self->partition); }
static PyObject *batch_get_bytes(Batch *self, void *Py_UNUSED(closure)) { return PyLong_FromSsize_t(self->bytes); }
static PyObject *batch_get_oldest(Batch *self, void *Py_UNUSED(closure)) { return PyLong_FromLongLong(self->oldest_ms); }
static PyObject *batch_get_largest(Batch *self, void *Py_UNUSED(closure)) {
    return PyLong_FromSsize_t(self->value_bytes_max);
}

static PyMethodDef batch_methods[] = {
    {"values", (PyCFunction)batch_values, METH_NOARGS, NULL},
    {"lines", (PyCFunction)batch_lines, METH_NOARGS, NULL},
    {"packed_offsets", (PyCFunction)batch_offsets, METH_NOARGS, NULL},
    {"packed_timestamps_ms", (PyCFunction)batch_timestamps, METH_NOARGS, NULL},
    {"record", (PyCFunction)batch_record, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef batch_getset[] = {
    {"topic", (getter)batch_get_topic, NULL, NULL, NULL},
    {"partition", (getter)batch_get_partition, NULL, NULL, NULL},
    {"bytes", (getter)batch_get_bytes, NULL, NULL, NULL},
    {"value_bytes_max", (getter)batch_get_largest, NULL, NULL, NULL},
    {"timestamp_ms_min", (getter)batch_get_oldest, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PySequenceMethods batch_sequence = {.sq_length = (lenfunc)batch_length};
static PyTypeObject BatchType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "sightline.io._batches.Batch",
    .tp_basicsize = sizeof(Batch),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = (destructor)batch_dealloc,
    .tp_methods = batch_methods,
    .tp_getset = batch_getset,
    .tp_as_sequence = &batch_sequence,
};

/* ---- Queue ---- */

/* The first member of confluent_kafka's Handle, which every Consumer is; NULL once it is closed. */
static rd_kafka_t *handle_of(PyObject *consumer) {
    rd_kafka_t *rk;
    memcpy(&rk, (char *)consumer + sizeof(PyObject), sizeof rk);
    return rk;
}

static int queue_init(Queue *self, PyObject *args, PyObject *Py_UNUSED(kwargs)) {
    PyObject *consumer;
    if (!PyArg_ParseTuple(args, "O:Queue", &consumer))
        return -1;
    if (!lib.version) {
        PyErr_SetString(PyExc_ImportError, "librdkafka is not loaded");
        return -1;
    }
    if (self->queue || Py_TYPE(consumer)->tp_basicsize < (Py_ssize_t)(sizeof(PyObject) + sizeof(rd_kafka_t *))) {
        PyErr_SetString(PyExc_TypeError, "not a consumer");
        return -1;
    }
    rd_kafka_t *rk = handle_of(consumer);
    if (!rk || lib.type(rk) != RD_KAFKA_CONSUMER || !strstr(lib.name(rk), "#consumer-")) {
        PyErr_SetString(PyExc_ImportError, "the handle is not a consumer's");
        return -1;
    }
    self->consumer = Py_NewRef(consumer);
    self->rk = rk;
    self->queue = lib.queue_new(rk);
    return 0;
}

static PyObject *queue_close(Queue *self, PyObject *Py_UNUSED(ignored)) {
    rd_kafka_queue_t *queue = self->queue;
    self->queue = NULL;
    if (queue)
        lib.queue_destroy(queue);
    Py_RETURN_NONE;
}

static int queue_traverse(Queue *self, visitproc visit, void *arg) {
    Py_VISIT(self->consumer);
    return 0;
}

static int queue_clear(Queue *self) {
    Py_XDECREF(queue_close(self, NULL));
    Py_CLEAR(self->consumer);
    return 0;
}

static void queue_dealloc(Queue *self) {
    PyObject_GC_UnTrack(self);
    queue_clear(self);
    PyObject_GC_Del(self);
}

static int is_open(Queue *self) {
    if (self->queue && handle_of(self->consumer) == self->rk)
        return 1;
    PyErr_SetString(PyExc_RuntimeError, "the consumer is closed");
    return 0;
}

static PyObject *queue_forward(Queue *self, PyObject *args) {
    const char *topic;
    int partition;
    if (!PyArg_ParseTuple(args, "si:forward", &topic, &partition) || !is_open(self))
        return NULL;
    rd_kafka_queue_t *source = lib.queue_get_partition(self->rk, topic, partition);
    if (source) {
        lib.queue_forward(source, self->queue);
        lib.queue_destroy(source);
    }
    return PyBool_FromLong(source != NULL);
}

/* (code, text, topic or None, partition, offset) */
static PyObject *error_of(const rd_kafka_message_t *message) {
    const char *topic = message->rkt ? lib.topic_name(message->rkt) : NULL;
    return Py_BuildValue("iszil", message->err, lib.message_errstr(message), topic, (int)message->partition,
                         (long)message->offset);
}

/* Moves the messages from `from` on that are of its partition into a new Batch, leaving NULLs. */
static Batch *take_partition(Queue *self, rd_kafka_message_t **messages, size_t from, size_t count) {
    rd_kafka_topic_t *rkt = messages[from]->rkt;
    int32_t partition = messages[from]->partition;
    Batch *batch = PyObject_New(Batch, &BatchType);
    if (!batch)
        return NULL;
    batch->owner = (Queue *)Py_NewRef(self);
    batch->partition = partition;
    batch->count = batch->bytes = batch->value_bytes_max = 0;
    batch->oldest_ms = INT64_MAX;
    batch->topic = PyUnicode_FromString(lib.topic_name(rkt));
    batch->messages = PyMem_New(rd_kafka_message_t *, count - from);
    if (!batch->topic || !batch->messages) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        Py_DECREF(batch);
        return NULL;
    }
    for (size_t i = from; i < count; i++) {
        rd_kafka_message_t *each = messages[i];
        if (!each || each->rkt != rkt || each->partition != partition || each->err)
            continue;
        Py_ssize_t size = each->payload ? (Py_ssize_t)each->len : 0;
        batch->messages[batch->count++] = each;
        batch->bytes += size;
        if (size > batch->value_bytes_max)
            batch->value_bytes_max = size;
        int kind;
        int64_t ms = lib.message_timestamp(each, &kind);
        if (ms < batch->oldest_ms)
            batch->oldest_ms = ms;
        messages[i] = NULL;
    }
    return batch;
}

/* Sorts messages into batches and errors. What is left in `messages` at an exception is still the caller's. */
static int sort(Queue *self, rd_kafka_message_t **messages, size_t count, PyObject *batches, PyObject *errors) {
    for (size_t i = 0; i < count; i++) {
        PyObject *found, *list;
        if (!messages[i])
            continue;
        if (messages[i]->err) {
            found = error_of(messages[i]), list = errors;
            lib.message_destroy(messages[i]);
            messages[i] = NULL;
        } else
            found = (PyObject *)take_partition(self, messages, i, count), list = batches;
        int bad = !found || PyList_Append(list, found);
        Py_XDECREF(found);
        if (bad)
            return -1;
    }
    return 0;
}

/* poll(timeout_ms, records_max) -> (batches, errors): waits for one, then takes what is there. */
static PyObject *queue_poll(Queue *self, PyObject *args) {
    int timeout_ms;
    Py_ssize_t most;
    if (!PyArg_ParseTuple(args, "in:poll", &timeout_ms, &most) || !is_open(self))
        return NULL;
    if (most < 1 || timeout_ms < 0) {
        PyErr_SetString(PyExc_ValueError, "timeout_ms is 0 at least and records_max 1");
        return NULL;
    }
    rd_kafka_message_t **messages = PyMem_New(rd_kafka_message_t *, most);
    if (!messages)
        return PyErr_NoMemory();
    ssize_t count;
    Py_BEGIN_ALLOW_THREADS
    count = lib.consume_batch_queue(self->queue, timeout_ms, messages, 1);
    if (count == 1 && most > 1) {
        ssize_t more = lib.consume_batch_queue(self->queue, 0, messages + 1, (size_t)most - 1);
        count += more > 0 ? more : 0;
    }
    Py_END_ALLOW_THREADS
    if (count < 0)
        count = 0;
    PyObject *batches = PyList_New(0), *errors = PyList_New(0);
    int bad = !batches || !errors || sort(self, messages, (size_t)count, batches, errors);
    for (ssize_t i = 0; i < count; i++)
        if (messages[i])
            lib.message_destroy(messages[i]);
    PyMem_Free(messages);
    if (bad) {
        Py_XDECREF(batches);
        Py_XDECREF(errors);
        return NULL;
    }
    return Py_BuildValue("NN", batches, errors);
}

static PyMethodDef queue_methods[] = {
    {"forward", (PyCFunction)queue_forward, METH_VARARGS, NULL},
    {"poll", (PyCFunction)queue_poll, METH_VARARGS, NULL},
    {"close", (PyCFunction)queue_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyTypeObject QueueType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "sightline.io._batches.Queue",
    .tp_basicsize = sizeof(Queue),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)queue_init,
    .tp_dealloc = (destructor)queue_dealloc,
    .tp_traverse = (traverseproc)queue_traverse,
    .tp_clear = (inquiry)queue_clear,
    .tp_methods = queue_methods,
};

/* ---- module ---- */

/* load(path of confluent_kafka.cimpl) -> version of the librdkafka that it uses. Raises ImportError. */
static PyObject *load(PyObject *Py_UNUSED(module), PyObject *path) {
    const char *name = PyUnicode_AsUTF8(path);
    if (!name)
        return NULL;
    /* Only what is loaded already; a symbol of a handle is looked up in its dependencies too. */
    void *handle = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    struct {
        const char *name;
        void *to;
    } wanted[] = {
        {"rd_kafka_version_str", &lib.version_str},
        {"rd_kafka_type", &lib.type},
        {"rd_kafka_name", &lib.name},
        {"rd_kafka_queue_new", &lib.queue_new},
        {"rd_kafka_queue_destroy", &lib.queue_destroy},
        {"rd_kafka_queue_get_partition", &lib.queue_get_partition},
        {"rd_kafka_queue_forward", &lib.queue_forward},
        {"rd_kafka_consume_batch_queue", &lib.consume_batch_queue},
        {"rd_kafka_topic_name", &lib.topic_name},
        {"rd_kafka_message_destroy", &lib.message_destroy},
        {"rd_kafka_message_timestamp", &lib.message_timestamp},
        {"rd_kafka_message_errstr", &lib.message_errstr},
        {"rd_kafka_message_headers", &lib.message_headers},
        {"rd_kafka_header_get_all", &lib.header_get_all},
        {"rd_kafka_version", &lib.version}, /* the last one: it says that all others are there */
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *symbol = handle ? dlsym(handle, wanted[i].name) : NULL;
        if (!symbol)
            return PyErr_Format(PyExc_ImportError, "%s is not in what %s uses", wanted[i].name, name);
        memcpy(wanted[i].to, &symbol, sizeof symbol);
    }
    return PyUnicode_FromString(lib.version_str());
}

static PyMethodDef module_methods[] = {{"load", load, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_batches", .m_size = -1, .m_methods = module_methods};

PyMODINIT_FUNC PyInit__batches(void) {
    PyObject *made;
    if (PyType_Ready(&QueueType) || PyType_Ready(&BatchType) || !(made = PyModule_Create(&module)))
        return NULL;
    if (PyModule_AddObjectRef(made, "Queue", (PyObject *)&QueueType) ||
        PyModule_AddObjectRef(made, "Batch", (PyObject *)&BatchType)) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
