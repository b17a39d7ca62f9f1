/* Records of a confluent_kafka.Consumer without a Python object for each: see sightline/io/native.py. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_librdkafka.h"

#include "_batch.h"

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
    while (self->batches)
        if (batch_copy(self->batches))
            return NULL;
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
            found = (PyObject *)batch_new(self, messages + i, count - i), list = batches;
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

/* load(path of confluent_kafka.cimpl, Raw) -> version of the librdkafka that it uses. Raises ImportError. */
static PyObject *load(PyObject *Py_UNUSED(module), PyObject *args) {
    const char *path;
    PyObject *raw;
    if (!PyArg_ParseTuple(args, "sO:load", &path, &raw) || lib_load(path))
        return NULL;
    Py_XSETREF(raw_class, Py_NewRef(raw));
    return PyUnicode_FromString(lib.version_str());
}

static PyMethodDef module_methods[] = {{"load", load, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
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
