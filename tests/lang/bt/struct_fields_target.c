// SPDX-License-Identifier: BSD-2-Clause
// A function that is given a struct with all sorts of fields.
struct inner {
	int a;
	unsigned char b;
	long c;
};
struct outer {
	struct inner in;
	char name[16];
	int arr[4];
	unsigned bf1 : 3;
	unsigned bf2 : 7;
	int bf3 : 5;
	struct outer *next;
	struct {
		int x;
		int y;
	};
};

__attribute__((noinline)) int take_outer(struct outer *o)
{
	__asm__ volatile("" ::: "memory");
	return o->in.a;
}

int main(void)
{
	struct outer next = { .in = { 77, 1, 2 }, .name = "next" };
	struct outer o = { .in = { -5, 200, 1234567890123 }, .name = "name", .arr = { 10, 20, 30, 40 }, .bf1 = 5,
			   .bf2 = 100, .bf3 = -3, .next = &next, .x = 8, .y = 9 };

	return take_outer(&o) == -5 ? 0 : 1;
}
