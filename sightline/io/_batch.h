/* Batch: sightline.io.records.Batch, over librdkafka's own messages of one partition.
 *
 * It owns its messages, and holds on to its Queue, which holds on to the Consumer. librdkafka does not end while somebody
 * has its messages, so a Queue that is closed makes its batches go on with copies.
 */

/* sightline.io.records.Raw */
static PyObject *raw_class;

typedef struct {
    const char *value, *key; /* NULL: there is none */
    Py_ssize_t value_size, key_size;
    int64_t offset, ms;
    rd_kafka_message_t *message; /* whose value and key they are; NULL once they are copies */
    rd_kafka_headers_t *headers; /* ours, once they are copies */
} Record;

typedef struct Queue Queue;

typedef struct Batch {
    PyObject_HEAD
    Queue *queue;
    struct Batch *before, *after; /* of the same queue, while they have messages */
    PyObject *topic;
    int32_t partition;
    Py_ssize_t count, bytes, keys_bytes, value_bytes_max;
    int64_t oldest_ms;
    Record *records;
    char *copies;
} Batch;

struct Queue {
    PyObject_HEAD
    PyObject *consumer;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    Batch *batches;
};

static PyTypeObject BatchType;

/* ---- Whose memory ---- */

/* Of all messages that are of the first one's partition and not NULL; takes them over, leaving NULLs. */
static Batch *batch_new(Queue *queue, rd_kafka_message_t **messages, size_t room) {
    rd_kafka_topic_t *rkt = messages[0]->rkt;
    int32_t partition = messages[0]->partition;
    Batch *self = PyObject_New(Batch, &BatchType);
    if (!self)
        return NULL;
    memset((char *)self + sizeof(PyObject), 0, sizeof(Batch) - sizeof(PyObject));
    self->partition = partition;
    self->oldest_ms = INT64_MAX;
    self->topic = PyUnicode_FromString(lib.topic_name(rkt));
    self->records = PyMem_New(Record, room);
    if (!self->topic || !self->records) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        Py_DECREF(self);
        return NULL;
    }
    for (size_t i = 0; i < room; i++) {
        rd_kafka_message_t *each = messages[i];
        if (!each || each->rkt != rkt || each->partition != partition || each->err)
            continue;
        int kind;
        int64_t ms = lib.message_timestamp(each, &kind);
        Py_ssize_t size = each->payload ? (Py_ssize_t)each->len : 0, key_size = each->key ? (Py_ssize_t)each->key_len : 0;
        self->records[self->count++] = (Record){each->payload, each->key, size, key_size, each->offset, ms, each, NULL};
        self->bytes += size;
        self->keys_bytes += key_size;
        self->value_bytes_max = Py_MAX(self->value_bytes_max, size);
        self->oldest_ms = Py_MIN(self->oldest_ms, ms);
        messages[i] = NULL;
    }
    self->queue = (Queue *)Py_NewRef(queue);
    self->after = queue->batches;
    if (self->after)
        self->after->before = self;
    return queue->batches = self;
}

static void batch_leave_queue(Batch *self) {
    if (self->before)
        self->before->after = self->after;
    else
        self->queue->batches = self->after;
    if (self->after)
        self->after->before = self->before;
    self->before = self->after = NULL;
    Py_CLEAR(self->queue);
}

static const char *moved(char **to, const char *from, Py_ssize_t size) {
    const char *copy = *to;
    if (size)
        memcpy(*to, from, (size_t)size);
    *to += size;
    return from ? copy : NULL;
}

/* Go on without librdkafka. */
static int batch_copy(Batch *self) {
    char *to = self->copies = PyMem_Malloc((size_t)(self->bytes + self->keys_bytes));
    if (!to)
        return PyErr_NoMemory(), -1;
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Record *record = &self->records[i];
        record->value = moved(&to, record->value, record->value_size);
        record->key = moved(&to, record->key, record->key_size);
        if (lib.message_detach_headers(record->message, &record->headers))
            record->headers = NULL;
        lib.message_destroy(record->message);
        record->message = NULL;
    }
    batch_leave_queue(self);
    return 0;
}

static void batch_dealloc(Batch *self) {
    for (Py_ssize_t i = 0; i < self->count; i++) {
        if (self->records[i].message)
            lib.message_destroy(self->records[i].message);
        if (self->records[i].headers)
            lib.headers_destroy(self->records[i].headers);
    }
    if (self->queue)
        batch_leave_queue(self);
    PyMem_Free(self->records);
    PyMem_Free(self->copies);
    Py_XDECREF(self->topic);
    PyObject_Free(self);
}

/* ---- What Python sees ---- */

static Py_ssize_t batch_length(Batch *self) { return self->count; }

static PyObject *bytes_or_none(const void *data, Py_ssize_t size) {
    if (!data)
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(data, size);
}

static PyObject *value_of(const Record *record) { return bytes_or_none(record->value, record->value_size); }
static PyObject *offset_of(const Record *record) { return PyLong_FromLongLong(record->offset); }
static PyObject *timestamp_of(const Record *record) { return PyLong_FromLongLong(record->ms); }

static PyObject *list_of(Batch *self, PyObject *(*of)(const Record *)) {
    PyObject *list = PyList_New(self->count);
    for (Py_ssize_t i = 0; list && i < self->count; i++) {
        PyObject *item = of(&self->records[i]);
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *batch_values(Batch *self, PyObject *Py_UNUSED(ignored)) { return list_of(self, value_of); }

static PyObject *batch_lines(Batch *self, PyObject *Py_UNUSED(ignored)) {
    PyObject *joined = PyBytes_FromStringAndSize(NULL, self->bytes + self->count - 1);
    if (!joined)
        return NULL;
    char *to = PyBytes_AS_STRING(joined);
    for (Py_ssize_t i = 0; i < self->count; i++) {
        const char *text = self->records[i].value;
        Py_ssize_t size = self->records[i].value_size;
        if (size < 2 || text[0] != '{' || text[size - 1] != '}') {
            Py_DECREF(joined);
            Py_RETURN_NONE;
        }
        if (i)
            *to++ = '\n';
        memcpy(to, text, (size_t)size);
        to += size;
    }
    return joined;
}

static PyObject *batch_get_offsets(Batch *self, void *Py_UNUSED(closure)) {
    long long first = self->records[0].offset, last = self->records[self->count - 1].offset;
    if (last - first == self->count - 1)
        return PyObject_CallFunction((PyObject *)&PyRange_Type, "LL", first, last + 1);
    return list_of(self, offset_of);
}

static PyObject *batch_get_timestamps(Batch *self, void *Py_UNUSED(closure)) { return list_of(self, timestamp_of); }

static PyObject *headers_of(const Record *record) {
    PyObject *list = PyList_New(0);
    const char *name;
    const void *value;
    size_t size;
    if (!list)
        return NULL;
    rd_kafka_headers_t *headers = record->headers;
    if (record->message && lib.message_headers(record->message, &headers))
        headers = NULL;
    for (size_t i = 0; headers && !lib.header_get_all(headers, i, &name, &value, &size); i++) {
        PyObject *text = PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "replace");
        PyObject *content = text ? bytes_or_none(value, (Py_ssize_t)size) : NULL;
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
    const Record *record = &self->records[index];
    PyObject *headers = headers_of(record);
    PyObject *key = headers ? bytes_or_none(record->key, record->key_size) : NULL;
    PyObject *value = key ? value_of(record) : NULL;
    if (!value) {
        Py_XDECREF(headers);
        Py_XDECREF(key);
        return NULL;
    }
    return PyObject_CallFunction(raw_class, "NNNLL", key, value, headers, (long long)record->ms,
                                 (long long)record->offset);
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
    {"record", (PyCFunction)batch_record, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef batch_getset[] = {
    {"topic", (getter)batch_get_topic, NULL, NULL, NULL},
    {"partition", (getter)batch_get_partition, NULL, NULL, NULL},
    {"offsets", (getter)batch_get_offsets, NULL, NULL, NULL},
    {"timestamps_ms", (getter)batch_get_timestamps, NULL, NULL, NULL},
    {"timestamp_ms_min", (getter)batch_get_oldest, NULL, NULL, NULL},
    {"bytes", (getter)batch_get_bytes, NULL, NULL, NULL},
    {"value_bytes_max", (getter)batch_get_largest, NULL, NULL, NULL},
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
