/* JSON as text: where strings, numbers and whole values end (https://www.rfc-editor.org/rfc/rfc8259).
 *
 * A text ends with a NUL, which is allowed nowhere, so only the wide loads look for `end`. What is not plain, or wrong,
 * has no end: NULL. Strings that are passed over may be any bytes that are not ASCII, as msgspec allows.
 */
#ifndef SIGHTLINE_JSON_TEXT_H
#define SIGHTLINE_JSON_TEXT_H
#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 32 /* of a value that is passed over */

static inline uint64_t load8(const char *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static inline uint32_t load4(const char *at) {
    uint32_t word;
    memcpy(&word, at, 4);
    return word;
}

/* memcmp, without a call for what is this short; the last load may overlap the one before. */
static inline int same(const char *a, const char *b, size_t size) {
    if (size < 8) {
        if (size >= 4)
            return load4(a) == load4(b) && load4(a + size - 4) == load4(b + size - 4);
        for (size_t i = 0; i < size; i++)
            if (a[i] != b[i])
                return 0;
        return 1;
    }
    for (size_t i = 0; i + 8 < size; i += 8)
        if (load8(a + i) != load8(b + i))
            return 0;
    return load8(a + size - 8) == load8(b + size - 8);
}

static inline const char *spaces(const char *at) {
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

#define BYTES(x) (UINT64_C(0x0101010101010101) * (x))
#define HIGH BYTES(0x80)

/* The first byte from `at` on that is `"`, `\`, a control character or not ASCII. */
static inline const char *plain_text(const char *at, const char *end) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord: exact up to the first that is found. */
    for (; end - at >= 8; at += 8) {
        uint64_t word = load8(at), quote = word ^ BYTES('"'), slash = word ^ BYTES('\\');
        uint64_t found = ((quote - BYTES(1)) | (slash - BYTES(1)) | (word - BYTES(0x20)) | word) & HIGH;
        if (found)
            return at + (__builtin_ctzll(found) >> 3);
    }
#endif
    while ((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* From after the opening quote to the closing one; NULL for an escape or a control character. */
static inline const char *text_end(const char *at, const char *end, int *ascii) {
    for (;; at++) {
        at = plain_text(at, end);
        if (*at == '"')
            return at;
        if ((unsigned char)*at < 0x80)
            return NULL;
        *ascii = 0;
    }
}

/* The same of a string that nobody wants, in which short escapes may be; those of code points are given up. */
static inline const char *unread_end(const char *at, const char *end) {
    for (;;) {
        at = plain_text(at, end);
        if (*at == '"')
            return at;
        if (*at == '\\' && at[1] && strchr("\"\\/bfnrt", at[1]))
            at += 2;
        else if ((unsigned char)*at >= 0x80)
            at++;
        else
            return NULL;
    }
}

static inline int is_digit(char c) { return c >= '0' && c <= '9'; }

/* After a number, or NULL. */
static const char *number_end(const char *at, int *whole) {
    *whole = 1;
    at += *at == '-';
    if (!is_digit(*at))
        return NULL;
    if (*at++ != '0')
        while (is_digit(*at))
            at++;
    if (*at == '.') {
        *whole = 0;
        if (!is_digit(*++at))
            return NULL;
        while (is_digit(*at))
            at++;
    }
    if (*at == 'e' || *at == 'E') {
        *whole = 0;
        at++;
        at += *at == '+' || *at == '-';
        if (!is_digit(*at))
            return NULL;
        while (is_digit(*at))
            at++;
    }
    return at;
}

static inline const char *word_end(const char *at, const char *end, const char *word, Py_ssize_t size) {
    return end - at >= size && same(at, word, (size_t)size) ? at + size : NULL;
}

/* After a value that nobody wants, or NULL. */
static const char *passed_over(const char *at, const char *end, int depth) {
    int ignored;
    switch (*at) {
    case '"':
        at = unread_end(at + 1, end);
        return at ? at + 1 : NULL;
    case 't':
        return word_end(at, end, "true", 4);
    case 'f':
        return word_end(at, end, "false", 5);
    case 'n':
        return word_end(at, end, "null", 4);
    case '[':
    case '{':
        break;
    default:
        return number_end(at, &ignored);
    }
    char close = *at == '[' ? ']' : '}';
    at = spaces(at + 1);
    if (depth == DEPTH_MAX)
        return NULL;
    if (*at == close)
        return at + 1;
    for (;; at = spaces(at + 1)) {
        if (close == '}') {
            if (*at != '"' || !(at = unread_end(at + 1, end)))
                return NULL;
            at = spaces(at + 1);
            if (*at != ':')
                return NULL;
            at = spaces(at + 1);
        }
        if (!(at = passed_over(at, end, depth + 1)))
            return NULL;
        at = spaces(at);
        if (*at == close)
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}
#endif
