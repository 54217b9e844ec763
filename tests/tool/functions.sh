#!/bin/bash
# Tools that watch functions of programs and libraries: on both engines.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tool/lib.sh
command -v gcc >/dev/null || { skip "tools on functions" "there is no gcc"; done_testing; }

cat >"$room/work.c" <<'C'
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *a_thread(void *arg) { return arg; }
__attribute__((noinline)) long half_of(long n, const char *what) { return *what ? n / 2 : 0; }
int main(void)
{
	pthread_t t;
	struct addrinfo *a = NULL;
	static const volatile char word[] = "a word";
	char touched = word[0]; /* pages that were never read can't be read by a program */
	long sum = 0;

	(void)touched;
	for (long i = 0; i < 10; i++)
		sum += half_of(2 * (i % 2), (const char *)word);
	pthread_create(&t, NULL, a_thread, NULL);
	pthread_join(t, NULL);
	getaddrinfo("localhost", NULL, NULL, &a);
	usleep(100000); /* names of functions are looked up while it lives */
	return sum != 5;
}
C
gcc -O1 -g -o "$room/work" "$room/work.c" -lpthread || exit 1
w=$room/work

both threadsnoop '^[0-9:.]{15} [0-9]+ +work +a_thread' -- "$w"
both gethostlatency '^[0-9:]{8}  [0-9]+ +work +[0-9]+\.[0-9]{3} localhost$' -- "$w"
both funccount '^@\[uprobe:.*work:half_of\]: 10$' "uprobe:$w:half_*" -- "$w"
both funclatency '^@nsecs:' "$w" half_of -- "$w"
both funclatency '^@usecs:' "$w" half_of --us -- "$w"
both argdist '^@values\[2\]: 5$' "uprobe:$w:half_of" -- "$w"
both argdist '^\[2, 4\) +5 ' "uprobe:$w:half_of" --hist -- "$w"
both argdist '^@strings\[a word\]: 10$' "uprobe:$w:half_of" --arg=1 --str -- "$w"
both argdist '^@values\[1\]: 5$' "uretprobe:$w:half_of" -- "$w"
both trace '^[0-9:.]{15} [0-9]+ +[0-9]+ +work +half_of +0x2 0x' "uprobe:$w:half_of" -- "$w"
both trace 'half_of +"a word"$' "uprobe:$w:half_of" --str=1 -- "$w"
both trace 'work:half_of returns 1 \(0x1\)$' "uretprobe:$w:half_of" -- "$w"

if [ -x /bin/bash ] && command -v script >/dev/null; then
	printf 'echo typed\nexit\n' >"$room/typed"
	both bashreadline '^[0-9:]{8}  [0-9]+ +echo typed' -- sh -c \
		"HOME=$room script -qc 'bash --norc -i' /dev/null <'$room/typed' | tr -d '\\r' >/dev/null"
else
	skip bashreadline "there is no bash, or no script(1)"
fi

if command -v openssl >/dev/null && "$osmia" list 'uprobe:libssl:SSL_read' 2>/dev/null | grep -q SSL_read; then
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$room/key" -out "$room/cert" -subj /CN=x -days 1 2>/dev/null
	port=$((20000 + $$ % 10000))
	openssl s_server -accept $port -cert "$room/cert" -key "$room/key" -www >/dev/null 2>&1 &
	server=$!
	sleep 0.5
	talk="(echo a secret; sleep 1) | timeout 5 openssl s_client -connect 127.0.0.1:$port -quiet 2>/dev/null"
	both sslsnoop '^[0-9]+ +[0-9]+ +openssl +[0-9]+ +9 SSL_write$' -- sh -c "$talk"
	both sslsnoop '^a secret' --data -- sh -c "$talk"
	kill $server
else
	skip sslsnoop "there is no openssl"
fi
done_testing
