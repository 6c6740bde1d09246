/* The floor that SendFileAsync is measured against (docs/performance.md): a plain loop of sendfile(2), 256 KiB a call.
 *
 *     sendfile drain PATH         listens at PATH; reads each connection to its end, one after the other, for ever
 *     sendfile send FILE PATH     sends FILE to it, waits until it was read to its end, and prints gibps=RATE cpu_s_gib=SECONDS
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, WARM_UPS = 2 };

static char buffer[CHUNK];

static int check(long result, const char *call)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return (int)result;
}

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    return a;
}

static void drain(const char *path)
{
    struct sockaddr_un a = address(path);
    int listener = check(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    check(bind(listener, (struct sockaddr *)&a, sizeof a), "bind");
    check(listen(listener, 8), "listen");
    for (;;) {
        int client = check(accept(listener, NULL, NULL), "accept");
        while (read(client, buffer, sizeof buffer) > 0) { }
        close(client);
    }
}

static long long send_once(const char *file, const char *path)
{
    struct sockaddr_un a = address(path);
    int in = check(open(file, O_RDONLY), file);
    int out = check(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    check(connect(out, (struct sockaddr *)&a, sizeof a), "connect");
    off_t offset = 0;
    while (check(sendfile(out, in, &offset, CHUNK), "sendfile") > 0) { }
    check(shutdown(out, SHUT_WR), "shutdown");
    check(read(out, buffer, 1), "read"); /* its close: all was read */
    close(out);
    close(in);
    return offset;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + 1e-6 * (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "drain") == 0)
        drain(arguments[2]);
    if (count != 4 || strcmp(arguments[1], "send") != 0) {
        fprintf(stderr, "sendfile drain PATH | sendfile send FILE PATH\n");
        return 2;
    }
    for (int i = 0; i < WARM_UPS; i++)
        send_once(arguments[2], arguments[3]);
    double began = seconds(), used = cpu();
    double gib = (double)send_once(arguments[2], arguments[3]) / (1 << 30);
    used = cpu() - used;
    printf("gibps=%.3f cpu_s_gib=%.4f\n", gib / (seconds() - began), used / gib);
    return 0;
}
