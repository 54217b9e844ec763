// SPDX-License-Identifier: BSD-2-Clause
/* C++ names: a method, overloads, a template. */
namespace meadow {
struct flower {
	int petals;
	int pick(int n) { return petals - n; }
};
int visit(int n) { return n; }
int visit(const char *s) { return s[0]; }
template <typename T> T twice(T v) { return v + v; }
}

int main()
{
	meadow::flower f{5};
	return f.pick(2) + meadow::visit(1) + meadow::visit("x") + meadow::twice(4) - 132;
}
