/* SPDX-License-Identifier: BSD-2-Clause */
/* Format strings taken apart: pieces, flags, lengths, and what 0.17 does not know. */
#include "obj/format.h"
#include "obj/stype.h"
#include "test.h"
#include <string.h>

/* The pieces as text: what is printed as it is in quotes, conversions by their letters. */
static void pieces(const char *fmt, u32 compat, struct str *out)
{
	struct format_piece p;

	while (format_next(&fmt, compat, &p)) {
		if (p.is_spec)
			str_addf(out, "<%s>", format_conv_text(p.spec.conv));
		else
			str_addf(out, "'%.*s'", (int)p.len, p.text);
	}
}

static void check_pieces(const char *fmt, u32 compat, const char *want)
{
	struct str out = {0};

	pieces(fmt, compat, &out);
	CHECK_STR(str_text(&out), want);
	str_free(&out);
}

TEST(format_is_text_and_conversions)
{
	check_pieces("a %d b %s\n", 0, "'a '<d>' b '<s>'\n'");
	check_pieces("%d%u%x%X%i%o%c%p", 0, "<d><u><x><X><i><o><c><p>");
	check_pieces("%r %rx %rh %gr", 0, "<r>' '<rx>' '<rh>' '<gr>");
	check_pieces("100%% sure", 0, "'100''%'' sure'");
	check_pieces("", 0, "");
	check_pieces("%q %", 0, "'%q ''%'");
	check_pieces("%", 0, "'%'");
	check_pieces("%5", 0, "'%5'");
	check_pieces("%f %n", 0, "<f>' '<n>");
	check_pieces("%lld %hhu %ls", 0, "<d>' '<u>' '<s>");
}

TEST(format_of_17_knows_less)
{
	check_pieces("%i %o %X %+d", 17, "'%i ''%o '<X>' ''%+d'");
	check_pieces("%-5d %5.3s %lx %rh", 17, "<d>' '<s>' '<x>' '<rh>");
	check_pieces("%*d %gr", 17, "'%*d ''%gr'");
	check_pieces("%ls %.d", 17, "'%ls ''%.d'");
}

static struct format_spec spec(const char *fmt)
{
	struct format_piece p;

	CHECK(format_next(&fmt, 0, &p));
	CHECK(p.is_spec);
	return p.spec;
}

TEST(format_spec_has_flags_and_numbers)
{
	struct format_spec f = spec("%-+ #012.7lld");

	CHECK(f.left && f.plus && f.space && f.alt && f.zero);
	CHECK_EQ(f.width, 12);
	CHECK_EQ(f.precision, 7);
	CHECK_EQ(format_bytes(&f), 8);
	f = spec("%d");
	CHECK(!f.left && !f.zero && !f.width && f.precision == -1);
	CHECK_EQ(format_bytes(&f), 4);
	f = spec("%hhx");
	CHECK_EQ(format_bytes(&f), 1);
	f = spec("%*.*s");
	CHECK(f.star_width && f.star_precision);
	f = spec("%99999999999999999999d");
	CHECK(f.too_wide);
	CHECK_EQ(f.width, FORMAT_WIDTH_MAX);
}

TEST(format_takes_types)
{
	const struct stype *i = stype_int(4, true), *inet = stype_simple(ST_INET);
	struct arena a = {0};
	const struct stype *buf = stype_buf(&a, 8);

	CHECK(format_takes(FORMAT_DEC, i) && !format_takes(FORMAT_DEC, inet) &&
	      !format_takes(FORMAT_DEC, buf));
	CHECK(format_takes(FORMAT_STR, i) && format_takes(FORMAT_STR, inet) &&
	      !format_takes(FORMAT_STR, stype_none()));
	CHECK(format_takes(FORMAT_BUF, buf) && !format_takes(FORMAT_BUF, i));
	CHECK(format_is_foreign(FORMAT_FLOAT_f) && !format_takes(FORMAT_FLOAT_f, i));
	arena_free(&a);
}
