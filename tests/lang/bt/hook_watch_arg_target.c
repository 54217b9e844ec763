// SPDX-License-Identifier: BSD-2-Clause
/* A function that writes to where an argument points. */
volatile int cell[2];

__attribute__((noinline)) void fill(int n, volatile int *to)
{
	for (int i = 0; i < n; i++)
		*to = i;
}

int main(void)
{
	fill(5, &cell[1]);
	return cell[0];
}
