/* step2_values.c - values of any kind as bytes: MessagePack.  [works]
 *
 * Build:  cc -O2 -o step2_values step2_values.c $(pkg-config --libs
 *         msgpack-c 2>/dev/null || pkg-config --libs msgpack)
 * New:    msgpack_pack_..., msgpack_unpack_next
 * Try:    ./step2_values
 * See:    each value says first what it is, and how long.  What is cut off, or
 *         claims to be longer than it is, is refused.
 */
#include <err.h>
#include <msgpack.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void print(const msgpack_object *o)
{
	if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		printf("%d", (int)o->via.u64);
	else if (o->type == MSGPACK_OBJECT_STR)
		printf("\"%.*s\"", (int)o->via.str.size, o->via.str.ptr);
	else if (o->type == MSGPACK_OBJECT_ARRAY)
		for (uint32_t i = 0; i < o->via.array.size; i++) {
			printf(i == 0 ? "list: " : ", ");
			print(&o->via.array.ptr[i]);
		}
}

static int serve(int fd)
{
	msgpack_unpacked u;
	char bytes[100];
	ssize_t n;
	int rc;

	msgpack_unpacked_init(&u);
	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		size_t used = 0;

		for (ssize_t i = 0; i < n; i++)
			printf("%02x ", (unsigned char)bytes[i]);
		rc = msgpack_unpack_next(&u, bytes, (size_t)n, &used);
		printf("= ");
		if (rc == MSGPACK_UNPACK_SUCCESS && used == (size_t)n)
			print(&u.data);
		else
			printf("refused");
		printf("\n");
	}
	return 0;
}

static void send_but(size_t cut, int fd, msgpack_sbuffer *b)
{
	send(fd, b->data, b->size - cut, MSG_NOSIGNAL);
	msgpack_sbuffer_clear(b);
}

int main(void)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	int end[2];
	pid_t server;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) < 0 ||
	    (server = fork()) < 0)
		err(1, "socketpair or fork");
	close(end[server != 0]); /* the other one's */
	if (server == 0)
		return serve(end[1]);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_int(&p, 3);
	send_but(0, end[0], &b);
	msgpack_pack_int(&p, 300);
	send_but(0, end[0], &b);
	for (size_t cut = 0; cut < 2; cut++) {
		msgpack_pack_array(&p, 2);
		msgpack_pack_str_with_body(&p, "get", 3);
		msgpack_pack_str_with_body(&p, "count", 5);
		send_but(cut, end[0], &b);
	}
	msgpack_pack_str(&p, UINT32_MAX); /* and not one of its bytes */
	send_but(0, end[0], &b);
	close(end[0]);
	return waitpid(server, NULL, 0) != server;
}
