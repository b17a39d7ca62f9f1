/* Times as text (https://www.rfc-editor.org/rfc/rfc3339), in UTC where they say no zone.
 *
 * Plain is 2026-01-31T23:59:59, then .5 to .123456 or nothing, then Z, +01:00 or nothing; from the year 2 to 9998, so
 * that no zone moves one out of what datetime can say.
 */
#include <stdint.h>

#include "_json_text.h"

#define FRACTION_DIGITS_MAX 6
#define DAY_S (24 * 60 * 60)

/* The number that two digits are, or -1. */
static inline int two(const char *at) {
    return is_digit(at[0]) && is_digit(at[1]) ? (at[0] - '0') * 10 + (at[1] - '0') : -1;
}

static inline int days_in(int year, int month) {
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 || year % 400 == 0));
}

/* Days since 1970-01-01: https://howardhinnant.github.io/date_algorithms.html#days_from_civil */
static inline int64_t days_until(int year, int month, int day) {
    year -= month <= 2;
    int era = year / 400, year_of_era = year % 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* Seconds east of UTC that [at, end) says; whether it is plain. */
static inline int zone_of(const char *at, const char *end, int *east_s) {
    *east_s = 0;
    if (at == end || (end - at == 1 && *at == 'Z'))
        return 1;
    if (end - at != 6 || (*at != '+' && *at != '-') || at[3] != ':')
        return 0;
    int hours = two(at + 1), minutes = two(at + 4);
    *east_s = (hours * 60 + minutes) * (*at == '-' ? -60 : 60);
    return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

/* µs since the epoch of [at, end); whether it is plain. */
static int time_of(const char *at, const char *end, int64_t *time_us) {
    if (end - at < 19 || at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' || at[16] != ':')
        return 0;
    int century = two(at), years = two(at + 2), month = two(at + 5), day = two(at + 8);
    int hour = two(at + 11), minute = two(at + 14), second = two(at + 17), year = century * 100 + years, east_s;
    if (century < 0 || years < 0 || year < 2 || year > 9998 || month < 1 || month > 12 || day < 1 ||
        day > days_in(year, month) || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return 0;
    int64_t fraction_us = 0;
    at += 19;
    if (*at == '.') {
        int digits = 0;
        for (at++; is_digit(*at) && digits < FRACTION_DIGITS_MAX; digits++)
            fraction_us = fraction_us * 10 + (*at++ - '0');
        if (!digits)
            return 0;
        for (; digits < FRACTION_DIGITS_MAX; digits++)
            fraction_us *= 10;
    }
    if (!zone_of(at, end, &east_s))
        return 0;
    int64_t time_s = days_until(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second - east_s;
    *time_us = time_s * 1000000 + fraction_us;
    return 1;
}
