/* The very librdkafka that confluent_kafka has loaded: its public functions, and the public, stable layout of
 * rd_kafka_message_t (https://github.com/confluentinc/librdkafka/blob/master/src/rdkafka.h). Nothing is linked or
 * included: the library lies inside a wheel, without headers.
 */
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
    int64_t (*message_timestamp)(const rd_kafka_message_t *, int *);
    const char *(*message_errstr)(const rd_kafka_message_t *);
    void (*message_destroy)(rd_kafka_message_t *);
    int (*message_headers)(const rd_kafka_message_t *, rd_kafka_headers_t **);
    int (*message_detach_headers)(rd_kafka_message_t *, rd_kafka_headers_t **);
    int (*header_get_all)(const rd_kafka_headers_t *, size_t, const char **, const void **, size_t *);
    void (*headers_destroy)(rd_kafka_headers_t *);
} lib;

/* From what confluent_kafka.cimpl, at this path, was linked with. Raises ImportError. */
static int lib_load(const char *path) {
    /* Only what is loaded already; a symbol of a handle is looked up in its dependencies too. */
    void *handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
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
        {"rd_kafka_message_timestamp", &lib.message_timestamp},
        {"rd_kafka_message_errstr", &lib.message_errstr},
        {"rd_kafka_message_destroy", &lib.message_destroy},
        {"rd_kafka_message_headers", &lib.message_headers},
        {"rd_kafka_message_detach_headers", &lib.message_detach_headers},
        {"rd_kafka_header_get_all", &lib.header_get_all},
        {"rd_kafka_headers_destroy", &lib.headers_destroy},
        {"rd_kafka_version", &lib.version}, /* the last one: it says that all others are there */
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *symbol = handle ? dlsym(handle, wanted[i].name) : NULL;
        if (!symbol)
            return PyErr_Format(PyExc_ImportError, "%s is not in what %s uses", wanted[i].name, path), -1;
        memcpy(wanted[i].to, &symbol, sizeof symbol);
    }
    return 0;
}
