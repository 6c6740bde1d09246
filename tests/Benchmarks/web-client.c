// The client of W8's further shapes: an epoll client that keeps DEPTH requests of each connection in flight (HTTP/1.1 pipelining).
//   web-client PATH SERVER_PID CONNECTIONS SECONDS DEPTH
// Answers are counted by their constant length, and as many requests follow in one write(2). Latency is that of a batch.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DIE(what) do { perror(what); exit(1); } while (0)
#define BUCKETS 200000 // of 0.5 us, up to 100 ms

static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const int request_length = sizeof request - 1;
static unsigned histogram[BUCKETS];
static char buffer[1 << 17], requests[1 << 14];

struct connection { int fd, bytes; double sent; };

static double seconds(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t)) DIE("clock_gettime");
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void ask(struct connection *c, int count, double now) {
  c->sent = now;
  if (write(c->fd, requests, count * request_length) != count * request_length) DIE("write");
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  int connections = atoi(argv[3]), depth = atoi(argv[5]);
  double period = atof(argv[4]), warm_up = 2;
  if (depth < 1 || depth * request_length > (int)sizeof requests) return 2;
  clockid_t server;
  if (clock_getcpuclockid(atoi(argv[2]), &server)) DIE("clock_getcpuclockid");
  for (int i = 0; i < depth; i++) memcpy(requests + i * request_length, request, request_length);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int ep = epoll_create1(0);
  struct connection *all = calloc(connections, sizeof *all);
  for (int i = 0; i < connections; i++) {
    all[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(all[i].fd, (void *)&address, sizeof address)) DIE("connect");
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
    epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &e);
  }
  ask(&all[0], 1, 0);
  int answer_length = read(all[0].fd, buffer, sizeof buffer), rest; // its length is constant; it may come in parts
  for (usleep(400000); (rest = recv(all[0].fd, buffer + answer_length, sizeof buffer - answer_length, MSG_DONTWAIT)) > 0; usleep(100000)) answer_length += rest;
  if (answer_length < 12 || memcmp(buffer, "HTTP/1.1 200", 12)) { fprintf(stderr, "bad: %.*s\n", answer_length, buffer); return 1; }

  double start = seconds(CLOCK_MONOTONIC), began = 0, own = 0, theirs = 0;
  long done = 0, batches = 0, reads = 0;
  for (int i = 0; i < connections; i++) ask(&all[i], depth, seconds(CLOCK_MONOTONIC));
  for (;;) {
    struct epoll_event events[64];
    int ready = epoll_wait(ep, events, 64, 5000);
    if (ready <= 0) { fprintf(stderr, "stall\n"); return 1; }
    double now = 0;
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      int got = read(c->fd, buffer, sizeof buffer);
      if (got <= 0) DIE("read");
      if (began) reads++;
      int answers = (c->bytes += got) / answer_length;
      if (answers == 0) continue;
      c->bytes -= answers * answer_length;
      now = seconds(CLOCK_MONOTONIC);
      if (began) {
        done += answers;
        batches++;
        unsigned bucket = (now - c->sent) * 2e6;
        histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
      }
      ask(c, answers, now);
    }
    if (!began && now - start > warm_up) {
      began = now;
      own = seconds(CLOCK_PROCESS_CPUTIME_ID);
      theirs = seconds(server);
    } else if (began && now - began > period) {
      double elapsed = now - began;
      own = seconds(CLOCK_PROCESS_CPUTIME_ID) - own;
      theirs = seconds(server) - theirs;
      long seen = 0;
      double p50 = 0, p99 = 0;
      for (int i = 0; i < BUCKETS && !p99; i++) {
        seen += histogram[i];
        if (!p50 && seen >= batches / 2) p50 = (i + 0.5) / 2;
        if (seen >= batches * 0.99) p99 = (i + 0.5) / 2;
      }
      printf("rate=%.0f p50_us=%.1f p99_us=%.1f server_cpu_us=%.3f client_cpu_us=%.3f server_cores=%.2f client_cores=%.2f per_read=%.2f\n",
             done / elapsed, p50, p99, theirs / done * 1e6, own / done * 1e6, theirs / elapsed, own / elapsed, (double)done / reads);
      return 0;
    }
  }
}
