/* SPDX-License-Identifier: MIT
 * logging: see logging.h. */
#include "redisd/logging.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

void server_log(const struct redisd *server, enum log_level level, const char *format, ...)
{
    static const char marks[] = {'.', '-', '*', '#'}; /* redis-server's */
    if ((int64_t)level < server->config.loglevel)
        return;
    struct buffer line = {0};
    int64_t now_us = os_wall_us(server->os);
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char stamp[40];
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    buffer_format(&line, "%d:M %s.%03dZ %c ", (int)getpid(), stamp, (int)(now_us / 1000 % 1000), marks[level]);
    va_list args;
    va_start(args, format);
    buffer_vformat(&line, format, args);
    va_end(args);
    buffer_append_char(&line, '\n');
    FILE *out = stderr;
    if (server->config.logfile.size) {
        char path[4096];
        snprintf(path, sizeof(path), "%.*s", (int)server->config.logfile.size, server->config.logfile.base);
        out = fopen(path, "a");
    }
    if (out) {
        fwrite(line.base, 1, line.size, out);
        if (out != stderr)
            fclose(out);
    }
    buffer_free(&line);
}
