/* SPDX-License-Identifier: BSD-2-Clause */
/* Declarations of C: what types, constants and macros they give, compared with the compiler's own answers where it has
 * them; types out of BTF.
 */
#include "lang/cdecl/cdecl.h"
#include "test.h"
#include <errno.h>

static struct arena types;
static struct ctypes *c;
static struct diag dg;

static int no_header(void *arg, const char *name, bool is_system, struct diag *d, char **text)
{
	(void)arg;
	(void)is_system;
	(void)d;
	if (strcmp(name, "mine.h") == 0)
		*text = strdup("#pragma once\nstruct from_header { int a; };\n#define FROM_HEADER (6 * 7)\n"
			       "static inline int f(int x) { return x; }\nnonsense!;\n");
	else if (strcmp(name, "loop.h") == 0)
		*text = strdup("#include \"loop.h\"\n");
	else
		return -ENOENT;
	return 0;
}

static void begin(const char *text, const struct btf *btf)
{
	struct ctypes_opts o = { .types = &types, .include = no_header, .btf = btf };

	CHECK_EQ(ctypes_new(&o, &c), 0);
	if (ctypes_add(c, text, strlen(text), "x.bt", 1, &dg)) {
		char *s = diag_text(&dg);

		fprintf(stderr, "# %s\n", s);
		free(s);
		fail();
	}
}

static void end(void)
{
	ctypes_free(c);
	diag_free(&dg);
	dg = (struct diag){0};
	arena_free(&types);
}

static void is_text(const struct stype *t, const char *want)
{
	struct str s = {0};

	stype_text(t, &s);
	CHECK_STR(str_text(&s), want);
	str_free(&s);
}

static const struct stype_field *field(const char *type, const char *name)
{
	const struct stype_field *f = stype_field(ctypes_find(c, type), name);

	if (!f)
		fail_msg("%s has no %s", type, name);
	return f;
}

/* The same declarations, read by gcc and by ours. */
#define DECLARED                                                                                    \
	enum kind { K_ONE = 1, K_FOUR = 4, K_NEXT, K_MINUS = -2 };                                  \
	union word { unsigned int whole; unsigned short half[2]; unsigned char byte[4]; };          \
	struct duo { short lo, hi; };                                                               \
	struct all {                                                                                \
		char c; signed char sc; unsigned short us; long long ll; _Bool yes;                 \
		char label[13]; int nums[4], *ptrs[3], (*to)[5]; unsigned char grid[2][3];          \
		enum kind kind; struct duo corner, *far; const char *const text; union word word;   \
		struct { short in_a; struct { int in_b; }; }; int (*fn)(int, char *);               \
		struct { int x; } named; unsigned long int last;                                    \
	};                                                                                          \
	struct bits {                                                                               \
		unsigned int one : 1, three : 3; int : 4; unsigned int twelve : 12;                 \
		int signed5 : 5; int : 0; unsigned long long wide : 40; char tail; int b31 : 31;    \
	};                                                                                          \
	struct tight { char a; int b; long c; } __attribute__((packed));                            \
	struct tight_bits { char a; unsigned b : 20; unsigned c : 15; } __attribute__((packed));    \
	struct apart { char a; char b __attribute__((aligned(32))); } ;                             \
	struct apart_too { char a; struct tight t; struct apart p; } __attribute__((aligned(128))); \
	typedef struct { int a; } pair_t;                                                           \
	typedef unsigned short word_t;                                                              \
	struct uses { word_t w; pair_t p[2]; double d; struct bits b; };

#define STR_OF(...) #__VA_ARGS__
#define TEXT_OF(...) STR_OF(__VA_ARGS__)
static const char declared[] = TEXT_OF(DECLARED);
DECLARED

static void off_is(const char *type, const char *name, size_t off)
{
	if (field(type, name)->off != (s64)off)
		fail_msg("%s in %s lies at %lld, not %zu", name, type, (long long)field(type, name)->off, off);
}

static void size_is(const char *type, size_t size)
{
	CHECK_EQ(ctypes_find(c, type)->size, size);
}

#define OFF(s, m) off_is("struct " #s, #m, offsetof(struct s, m))
#define SIZE(s) size_is("struct " #s, sizeof(struct s))

TEST(layouts_are_gccs)
{
	begin(declared, NULL);
	OFF(all, c), OFF(all, sc), OFF(all, us), OFF(all, ll), OFF(all, yes), OFF(all, label);
	OFF(all, nums), OFF(all, ptrs), OFF(all, to), OFF(all, grid), OFF(all, kind);
	OFF(all, corner), OFF(all, far), OFF(all, text), OFF(all, word), OFF(all, in_a);
	OFF(all, in_b), OFF(all, fn), OFF(all, named), OFF(all, last);
	SIZE(all), SIZE(bits), SIZE(tight), SIZE(tight_bits), SIZE(apart), SIZE(apart_too), SIZE(uses);
	OFF(bits, tail), OFF(tight, b), OFF(tight, c), OFF(apart, b), OFF(apart_too, t), OFF(apart_too, p);
	OFF(uses, p), OFF(uses, d), OFF(uses, b);
	size_is("union word", 4);
	CHECK(ctypes_find(c, "struct word") == NULL);
	is_text(field("struct all", "label")->type, "string[13]");
	is_text(field("struct all", "nums")->type, "int32[4]");
	is_text(field("struct all", "ptrs")->type, "int32 *[3]");
	is_text(field("struct all", "to")->type, "int32[5] *");
	is_text(field("struct all", "grid")->type, "uint8[3][2]");
	is_text(field("struct all", "far")->type, "struct duo *");
	is_text(field("struct all", "text")->type, "int8 *");
	is_text(field("struct all", "fn")->type, "void *");
	is_text(field("struct all", "kind")->type, "enum kind");
	is_text(field("struct all", "named")->type, "struct {int32}");
	is_text(field("struct uses", "w")->type, "uint16");
	is_text(field("struct uses", "d")->type, "double");
	is_text(ctypes_find(c, "pair_t"), "pair_t");
	is_text(ctypes_find(c, "unsigned long int"), "uint64");
	is_text(ctypes_find(c, "const char"), "int8");
	CHECK(ctypes_find(c, "nothing") == NULL);
	CHECK(ctypes_find(c, "struct nothing") == NULL);
	end();
}

/* Every bit-field: a value that gcc puts in is read out by offset, shift and width. */
#define BIT(s, m, value)                                                        \
	do {                                                                    \
		const struct stype_field *f = field("struct " #s, #m);          \
		union { struct s s; u8 bytes[sizeof(struct s) + 16]; } u = {0}; \
		u64 v, want = (u64)(value) & ((1ull << f->bits) - 1);           \
		u.s.m = value;                                                  \
		memcpy(&v, u.bytes + f->off, 8);                                \
		CHECK(f->bits && f->bit_off + f->bits <= 64);                   \
		CHECK_EQ(v >> f->bit_off & ((1ull << f->bits) - 1), want);      \
		CHECK(f->off + (f->bit_off + f->bits + 7) / 8 <= (s64)sizeof(struct s)); \
	} while (0)

TEST(bit_fields_are_gccs)
{
	begin(declared, NULL);
	BIT(bits, one, 1);
	BIT(bits, three, 5);
	BIT(bits, twelve, 3000);
	BIT(bits, signed5, -9);
	BIT(bits, wide, 0xabcdef0123);
	BIT(bits, b31, 0x12345678);
	BIT(tight_bits, b, 0xabcde);
	BIT(tight_bits, c, 0x7123);
	end();
}

static void constant(const char *name, s64 want)
{
	const struct stype *t;
	s64 v = 0;

	if (!ctypes_constant(c, name, &v, &t))
		fail_msg("no constant %s", name);
	CHECK_EQ(v, want);
}

TEST(constants)
{
	const struct stype *t;
	s64 v;

	begin("enum { A, B, C = 10, D, E = C << 2 | 1, F = -(D * 2), G = sizeof(int) + sizeof(struct x *) };\n"
	      "#define N 5\n#define M (N + 1)\n#define HEX 0xffU\n#define TWICE(x) ((x) * 2)\n"
	      "#define T TWICE(M)\n#define STR \"a\" \"b\\n\"\n#define EMPTY\n#define CALL f(1)\n"
	      "#define BIG 0x8000000000000000\n#define CH 'a'\n#define CASTED ((unsigned char)-1)\n"
	      "struct arr { int a[M]; char b[T]; };\n#define SELF SELF\n",
	      NULL);
	constant("A", 0), constant("B", 1), constant("D", 11), constant("E", 41), constant("F", -22);
	constant("G", 12), constant("N", 5), constant("M", 6), constant("HEX", 255), constant("T", 12);
	constant("BIG", INT64_MIN), constant("CH", 97), constant("CASTED", 255);
	constant("AF_INET6", 10), constant("O_CREAT", 0100), constant("TASK_COMM_LEN", 16);
	CHECK(!ctypes_constant(c, "STR", &v, &t));
	CHECK(!ctypes_constant(c, "EMPTY", &v, &t));
	CHECK(!ctypes_constant(c, "CALL", &v, &t));
	CHECK(!ctypes_constant(c, "SELF", &v, &t));
	CHECK(!ctypes_constant(c, "TWICE", &v, &t));
	CHECK(!ctypes_constant(c, "NO_SUCH", &v, &t));
	CHECK_STR(ctypes_string(c, "STR"), "ab\n");
	CHECK(ctypes_string(c, "N") == NULL);
	CHECK_STR(ctypes_define(c, "M"), "(N + 1)");
	CHECK(ctypes_define(c, "TWICE") == NULL);
	is_text(field("struct arr", "a")->type, "int32[6]");
	is_text(field("struct arr", "b")->type, "string[12]");
	end();
}

TEST(preprocessor)
{
	begin("#define CAT(a, b) a ## b\n#define STR(x) #x\n#define XSTR(x) STR(x)\n"
	      "#define FIELD(t, ...) t __VA_ARGS__;\n"
	      "#if defined(__x86_64__) && CAT(1, 2) == 12\nstruct yes { int CAT(na, me); FIELD(int, p, q) };\n"
	      "#else\n#error wrong\n#endif\n"
	      "#ifdef NOT_THERE\nbroken ' here\n#elif 0\n#else\n#define ELSE 1\n#endif\n"
	      "#ifndef ELSE\n#if 1\n#endif\n#else\n#define TWO 2\n#endif\n"
	      "#define LONG 1 + \\\n  2\n#define S XSTR(CAT(x, y) z)\n#undef TWO\n"
	      "#define f(x) x f\n#define VAL f(1)(2)\n/* a comment\n over lines */ // and one more\n"
	      "#pragma pack(push, 1)\nstruct pk { char a; int b; };\n#pragma pack(pop)\nstruct np { char a; int b; };\n"
	      "#include \"mine.h\"\n#include \"mine.h\"\n#include <linux/sched.h>\n",
	      NULL);
	CHECK_EQ(field("struct yes", "name")->off, 0);
	CHECK_EQ(field("struct yes", "q")->off, 8);
	constant("ELSE", 1);
	constant("LONG", 3);
	CHECK_STR(ctypes_string(c, "S"), "xy z");
	CHECK(ctypes_define(c, "TWO") == NULL);
	CHECK_EQ(ctypes_find(c, "struct pk")->size, 5);
	CHECK_EQ(ctypes_find(c, "struct np")->size, 8);
	constant("FROM_HEADER", 42);
	CHECK_EQ(ctypes_find(c, "struct from_header")->size, 4);
	end();
}

static void mistake(const char *text, const char *want)
{
	struct ctypes_opts o = { .types = &types, .include = no_header };
	char *said;

	CHECK_EQ(ctypes_new(&o, &c), 0);
	if (ctypes_add(c, text, strlen(text), "x.bt", 1, &dg) != -EINVAL)
		fail_msg("no mistake in: %s", text);
	said = diag_text(&dg);
	if (!said || !strstr(said, want))
		fail_msg("'%s' says '%s', not '%s'", text, said ? said : "", want);
	free(said);
	end();
}

TEST(mistakes_have_a_place)
{
	mistake("struct a {\n\tint b\n\tint c;\n};", "x.bt:3:2: expected ';' before 'int'");
	mistake("struct a { int b; }", "x.bt:1:20: expected ';' before the end");
	mistake("struct a { foo_t b; };", "x.bt:1:12: unknown type 'foo_t'");
	mistake("struct a { uint31_t b; };", "the nearest is 'uint32_t'");
	mistake("struct a { struct b c; };", "the members of 'struct b' are not known");
	mistake("struct a { int b; int b; };", "member 'b' is there already");
	mistake("struct a { int b; };\nstruct a { int c; };", "x.bt:2:");
	mistake("#include \"none.h\"\n", "header 'none.h' was not found");
	mistake("#include <none.h>\n", "header 'none.h' was not found");
	mistake("#if 1\n", "no #endif");
	mistake("#endif\n", "'#endif' without #if");
	mistake("#error it is so\n", "#error it is so");
	mistake("#include \"loop.h\"\n", "too many includes");
	mistake("struct a { int b : 40; };", "bit-field");
	mistake("struct a { int b[-1]; };", "-1 elements");
	mistake("struct a { int b[1 / 0]; };", "division by zero");
	mistake("struct a { int b[100000000000]; };", "longer than");
	mistake("enum e { A = X };", "'X' is no constant");
	mistake("int x; }", "closes nothing");
	mistake("\x01", "expected a declaration");
}

/* ---- BTF ---- */

TEST(kernel_types)
{
	struct btf *btf;
	const struct stype *task, *t;
	s64 v;

	if (btf_load_kernel(NULL, &btf))
		SKIP("needs the kernel's BTF");
	begin("struct mine { struct list_head l; struct task_struct *t; pid_t p; gfp_t g; };\n", btf);
	task = ctypes_find(c, "struct task_struct");
	CHECK(task && !task->is_fwd && task->n_fields > 50);
	CHECK(ctypes_find(c, "struct task_struct") == task);
	is_text(stype_field(task, "comm")->type, "string[16]");
	t = stype_field(task, "mm")->type;
	is_text(t, "struct mm_struct *");
	CHECK(t->of->is_fwd && t->of->size > 100);
	t = ctypes_complete(c, t->of);
	CHECK(!t->is_fwd && stype_field(t, "pgd"));
	CHECK_EQ(field("struct mine", "t")->off, 16);
	t = ctypes_complete(c, field("struct mine", "t")->type->of);
	CHECK(t == task);
	CHECK(stype_field(ctypes_find(c, "struct sock_common"), "skc_daddr")); /* in an anonymous struct */
	CHECK(ctypes_constant(c, "PIDTYPE_TGID", &v, &t));
	CHECK_EQ(v, 1);
	is_text(t, "enum pid_type");
	is_text(ctypes_find(c, "enum pid_type"), "enum pid_type");
	is_text(ctypes_find(c, "umode_t"), "uint16");
	CHECK(!ctypes_constant(c, "PIDTYPE_NONE_SUCH", &v, &t));
	{
		const char *near[2];
		struct str s = {0};

		CHECK(ctypes_near(c, "struct task_strukt", near, 2) > 0);
		CHECK_STR(near[0], "struct task_struct");
		CHECK(ctypes_print(c, "struct list_head", &s));
		CHECK_STR(str_text(&s), "struct list_head {\n\tstruct list_head *next;\n\tstruct list_head *prev;\n};\n");
		CHECK(!ctypes_print(c, "struct no_such", &s));
		str_free(&s);
	}
	end();
	btf_free(btf);
}

/* ---- any bytes ---- */

static u32 seed = 1;

static u32 rnd(u32 n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void try(const char *text, size_t len)
{
	struct ctypes_opts o = { .types = &types, .include = no_header };
	const struct stype *t;
	s64 v;

	CHECK_EQ(ctypes_new(&o, &c), 0);
	ctypes_add(c, text, len, "x.bt", 1, &dg);
	t = ctypes_find(c, "struct all");
	if (t)
		is_text(ctypes_complete(c, t), t->name);
	ctypes_find(c, "unsigned long long x");
	ctypes_constant(c, "A", &v, &t);
	ctypes_string(c, "A");
	ctypes_define(c, "A");
	end();
}

/* Pieces of C in any order, and declarations with bytes changed: no crash, no endless reading. */
TEST(any_bytes)
{
	static const char *const pieces[] = {
		"struct", " all", "{", "}", ";", "int", "(", ")", "*", "[", "]", ":", ",", "=", "A", "B", "x",
		"#define A ", "#define A(x, ...) ", "##", "#", "\n", "\\\n", "#if ", "#else\n", "#endif\n",
		"#include \"mine.h\"\n", "#include \"loop.h\"\n", "__attribute__((", "packed", "aligned(8)", "union",
		"enum", "typedef", "sizeof", "\"s\"", "'c'", "1", "0x7fffffffffffffff", "-", "/", "%", "<<",
		"defined", "__VA_ARGS__", "typeof", "/*", "*/", "//", "?", "char", "unsigned", "#undef A\n",
		"#pragma pack(push, 1)\n", "\"", "'", "...", "#elif ", "_Alignas(", "A(", "A A", "\0",
	};
	size_t len = strlen(declared);

	for (u32 round = 0; round < 4000; round++) {
		struct str s = {0};

		for (u32 n = 1 + rnd(60); n; n--) {
			const char *p = pieces[rnd(sizeof(pieces) / sizeof(*pieces))];

			str_addn(&s, p, *p ? strlen(p) : 1);
			str_addc(&s, ' ');
		}
		try(s.p, s.len);
		str_free(&s);
	}
	for (u32 round = 0; round < 1000; round++) {
		char *copy = malloc(len);

		memcpy(copy, declared, len);
		for (u32 n = 1 + rnd(8); n; n--)
			copy[rnd((u32)len)] = (char)rnd(256);
		try(copy, rnd(4) ? len : rnd((u32)len));
		free(copy);
	}
}

static void deep(const char *open, const char *close)
{
	struct str s = {0};

	for (u32 i = 0; i < 20000; i++)
		str_add(&s, open);
	for (u32 i = 0; i < 20000; i++)
		str_add(&s, close);
	str_addc(&s, ';');
	try(s.p, s.len);
	str_free(&s);
}

TEST(nesting_has_an_end)
{
	/* two to the power of thirty tokens */
	static const char doubling[] =
		"#define a(x) x x\n#define A a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(1"
		"))))))))))))))))))))))))))))))\nint x[A];\n";

	deep("struct a{", "};");
	deep("int (*", ")");
	deep("int x[(", ")]");
	deep("enum {A=-", "1}");
	deep("#if 1\n", "#endif\n");
	deep("*", "");
	deep("int x[1?1:", "1]");
	deep("typeof(", ")");
	deep("int x[(int)", "1]");
	deep("int x[sizeof(", "int)]");
	deep("_Alignas(", "8)");
	deep("struct { int x[sizeof(", ")]; }");
	try(doubling, sizeof(doubling) - 1);
}
