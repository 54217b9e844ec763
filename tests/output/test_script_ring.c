/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script, script_action: records in order, actions, the end, and rings that somebody else
 * has written. */
#include "script_rig.h"
#include <errno.h>
#include <sys/stat.h>

#define S64 stype_int(8, true)

TEST(records_are_handled_in_order)
{
	struct rig *r = rig_new(0, false);
	u32 say = rig_action(r, ACTION_PRINTF, "%d\n", S64, NULL),
	    print = rig_action(r, ACTION_PRINT_VALUE, "", S64, NULL);
	u64 handled, lost;

	rig_start(r);
	for (u64 i = 0; i < 3; i++)
		rig_send(r, i & 1 ? print : say, i);
	CHECK_EQ(script_out_read(r->out, 2, NULL), 2);
	CHECK_STR(rig_text(r), "0\n1\n");
	CHECK_EQ(script_out_read(r->out, 0, NULL), 1);
	CHECK_STR(rig_text(r), "2\n");
	CHECK_EQ(script_out_read(r->out, 0, NULL), 0);
	script_out_totals(r->out, &handled, &lost);
	CHECK_EQ(handled, 3);
	CHECK_EQ(lost, 0);
	rig_free(r);
}

TEST(nothing_comes_after_exit)
{
	struct rig *r = rig_new(0, false);
	u32 say = rig_action(r, ACTION_PRINTF, "%d\n", S64, NULL),
	    leave = rig_action(r, ACTION_EXIT, "", S64, NULL);
	int status = 77;

	rig_start(r);
	CHECK(!script_out_exit(r->out, &status));
	CHECK_EQ(status, 77);
	rig_send(r, say, 1ul);
	rig_send(r, leave, 3ul);
	rig_send(r, say, 2ul);
	CHECK_STR(rig_read(r), "1\n");
	CHECK(script_out_exit(r->out, &status));
	CHECK_EQ(status, 3);
	rig_send(r, say, 4ul); /* by a program that was not yet detached */
	script_out_detached(r->out, NULL);
	rig_send(r, say, 5ul); /* by an end probe */
	CHECK_STR(rig_read(r), "5\n");
	rig_free(r);
}

TEST(the_number_of_probes)
{
	static const struct {
		u32 compat;
		bool json;
		u32 n;
		const char *out, *err;
	} rows[] = {
		{0, false, 1, "", "Attached 1 probe\n"},
		{0, false, 2, "", "Attached 2 probes\n"},
		{17, false, 1, "Attaching 1 probe...\n", ""},
		{0, true, 2,
		 "{\"type\": \"attached_probes\", \"count\": 2, \"data\": {\"probes\": 2}}\n", ""},
		{17, true, 1, "{\"type\": \"attached_probes\", \"data\": {\"probes\": 1}}\n", ""},
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig *r = rig_new(rows[i].compat, rows[i].json);

		rig_start(r);
		script_out_attached(r->out, rows[i].n);
		CHECK_STR(rig_text(r), rows[i].out);
		CHECK_STR(str_text(&r->err), rows[i].err);
		rig_free(r);
	}
}

TEST(errors_have_their_place)
{
	for (u32 json = 0; json < 2; json++) {
		struct rig *r = rig_new(0, json);
		u32 e = rig_action(r, ACTION_ERRORF, "bad %d", S64, NULL),
		    w = rig_action(r, ACTION_WARNF, "odd", NULL);
		u32 h = rig_action(r, ACTION_HELPER_ERROR, "probe_read_user", S64, NULL);
		u32 z = rig_action(r, ACTION_RUNTIME_ERROR, "division by 0", NULL);

		rig_start(r);
		rig_send(r, e, 1ul);
		rig_send(r, w);
		rig_send(r, h, (u64)-14);
		rig_send(r, z);
		if (json) {
			CHECK_STR(rig_read(r), "{\"type\": \"errorf\", \"msg\": \"bad 1\", "
					       "\"filename\": \"x.bt\", \"line\": 4, \"col\": 9}\n"
					       "{\"type\": \"warnf\", \"msg\": \"odd\", "
					       "\"filename\": \"x.bt\", \"line\": 4, \"col\": 9}\n"
					       "{\"type\": \"helper_error\", \"msg\": \"Bad "
					       "address\", \"helper\": \"probe_read_user\", "
					       "\"retcode\": -14, \"filename\": \"x.bt\", "
					       "\"line\": 4, \"col\": 9}\n"
					       "{\"type\": \"runtime_error\", \"msg\": \"division "
					       "by 0\", \"filename\": \"x.bt\", "
					       "\"line\": 4, \"col\": 9}\n");
		} else {
			CHECK_STR(rig_read(r), "");
			CHECK_STR(str_text(&r->err),
				  "x.bt:4:9: ERROR: bad 1\nx.bt:4:9: WARNING: odd\n"
				  "x.bt:4:9: WARNING: Bad address\nAdditional Info - helper: "
				  "probe_read_user, retcode: -14\n"
				  "BEGIN { thing(); }\n        ^\n"
				  "x.bt:4:9: WARNING: division by 0\nBEGIN { thing(); }\n        "
				  "^\n");
		}
		rig_free(r);
	}
}

TEST(the_same_mistake_is_not_told_for_ever)
{
	struct rig *r = rig_new(0, false);
	u32 z = rig_action(r, ACTION_RUNTIME_ERROR, "division by 0", NULL), n = 0;

	rig_start(r);
	for (u32 i = 0; i < 50; i++)
		rig_send(r, z);
	CHECK_STR(rig_read(r), "");
	for (const char *p = str_text(&r->err); (p = strstr(p, "division")); p++)
		n++;
	CHECK_EQ(n, 20);
	script_out_account(r->out);
	CHECK(str_ends(str_text(&r->err), "x.bt:4:9: WARNING: and 30 times more the same\n"));
	rig_free(r);
}

TEST(files_commands_and_lists)
{
	static const char *const want[] = {
		"one\ntw"
		"from the shell 5\n\n"
		"a+bc\n"
		"T\n",
		"one\ntw"
		"from the shell 5\n"
		"a+bc\n"
		"T\n",
		"{\"type\": \"cat\", \"data\": \"one\\ntw\"}\n{\"type\": \"syscall\", \"data\": "
		"\"from the shell 5\\n\"}\n"
		"{\"type\": \"join\", \"data\": \"a+bc\"}\n{\"type\": \"time\", \"data\": "
		"\"T\\n\"}\n",
	};
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/script_ring.%d.txt", (int)getpid());
	f = fopen(path, "w");
	fputs("one\ntwo\n", f);
	fclose(f);
	for (u32 i = 0; i < 3; i++) {
		struct rig *r = rig_new(i == 1 ? 17 : 0, i == 2);
		const struct stype *str = stype_str(&r->s->arena, 64),
				   *list = stype_array(&r->s->arena, stype_str(&r->s->arena, 4), 3);
		u32 cat = rig_action(r, ACTION_CAT, "%s", str, NULL),
		    sys = rig_action(r, ACTION_SYSTEM, "echo from the shell %d", S64, NULL);
		u32 join = rig_action(r, ACTION_JOIN, "+", stype_int(4, false), list, NULL),
		    t = rig_action(r, ACTION_TIME, "T\n", NULL);
		char padded[64] = "";

		memcpy(padded, path, strlen(path));
		r->s->max_cat_bytes = 6;
		r->opts.unsafe = true;
		rig_start(r);
		rig_send(r, cat, padded);
		rig_send(r, sys, 5ul);
		rig_send(r, join, 99ul, "a\0\0\0bc\0\0\0\0\0");
		rig_send(r, t);
		CHECK_STR(rig_read(r), want[i]);
		CHECK_STR(str_text(&r->err), "");
		rig_free(r);
	}
	unlink(path);
}

TEST(commands_want_unsafe_and_files_must_be_there)
{
	struct rig *r = rig_new(0, false);
	u32 sys = rig_action(r, ACTION_SYSTEM, "echo never", NULL),
	    cat = rig_action(r, ACTION_CAT, "/no/such/file", NULL);

	rig_start(r);
	rig_send(r, sys);
	rig_send(r, cat);
	CHECK_STR(rig_read(r), "");
	CHECK_STR(str_text(&r->err),
		  "x.bt:4:9: ERROR: system() of 'echo never': commands run with --unsafe only\n"
		  "x.bt:4:9: ERROR: failed to open file '/no/such/file' (No such file or directory)\n");
	rig_free(r);
}

TEST(lost_records_are_told)
{
	for (u32 json = 0; json < 2; json++) {
		struct rig *r = rig_new(0, json);
		u64 values[1024] = { 3, 4 };
		u32 key = COUNT_EVENTS_LOST;
		union bpf_attr attr = {0};

		rig_start(r);
		attr.map_fd = (u32)load_map(r->l, r->s->counts_map)->fd;
		attr.key = (u64)(uintptr_t)&key;
		attr.value = (u64)(uintptr_t)values;
		CHECK_EQ(engine_bpf(r->e, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), 0);
		script_out_end(r->out, NULL);
		script_out_account(r->out);
		if (json) {
			CHECK_STR(rig_text(r), "{\"type\": \"lost_events\", \"count\": 7, "
					       "\"data\": {\"events\": 7}}\n");
		} else {
			CHECK(str_starts(str_text(&r->err), "Lost 7 events\n"));
			CHECK(strstr(str_text(&r->err), "7 events were lost"));
		}
		rig_free(r);
	}
}

TEST(packets_go_to_a_file)
{
	struct rig *r = rig_new(0, false);
	char path[64];
	struct stat st;
	struct {
		u32 action, size;
		u64 ns;
		u32 length, zero;
		u8 bytes[40];
	} rec = { 0, sizeof(rec), 1000000000, 1500, 0, { 0x45 } };

	snprintf(path, sizeof(path), "/tmp/script_ring.%d.pcap", (int)getpid());
	rec.action = rig_action(r, ACTION_SKBOUTPUT, path, NULL);
	rig_start(r);
	rig_send_bytes(r, &rec, sizeof(rec));
	rig_send_bytes(r, &rec, sizeof(rec));
	rig_send_bytes(r, &rec, 12);
	CHECK_STR(rig_read(r), "");
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_size, 24 + 2 * (16 + 40));
	rig_free(r);
	unlink(path);
}

/* Any bytes: records of no action, too short ones, every action with rubbish as its arguments. */
TEST(any_bytes_may_stand_in_the_ring)
{
	struct rig *r = rig_new(0, false);
	const struct stype *str = stype_str(&r->s->arena, 16), *buf = stype_buf(&r->s->arena, 8);
	const struct stype *list = stype_array(&r->s->arena, str, 2);
	u32 a = rig_map(r, "@a", str, S64);
	u64 seed = 0x123456789;
	u8 rec[512];

	rig_action(r, ACTION_PRINTF, "%d %s %r %*d\n", S64, str, buf, S64, S64, NULL);
	rig_action(r, ACTION_PRINT_VALUE, "", stype_simple(ST_USYM), NULL);
	rig_action(r, ACTION_PRINT_VALUE, "",
		   stype_stack(&r->s->arena, ST_USTACK, 127, STACK_BPFTRACE), NULL);
	rig_action(r, ACTION_PRINT_VALUE, "", stype_simple(ST_INET), NULL);
	rig_action(r, ACTION_PRINT_VALUE, "", stype_hist(&r->s->arena, 0), NULL);
	rig_action(r, ACTION_PRINT_VALUE, "",
		   stype_tseries(&r->s->arena, S64, 1000, 4, TSERIES_AVG), NULL);
	rig_action(r, ACTION_JOIN, " ", stype_int(4, false), list, NULL);
	rig_action(r, ACTION_PRINT_ELEM, "", str, NULL);
	rig_action(r, ACTION_PRINT_MAP, "", S64, S64, NULL);
	rig_action(r, ACTION_HELPER_ERROR, "x", S64, NULL);
	rig_action(r, ACTION_CLEAR, "", NULL);
	for (u32 i = 0; i < r->s->actions.n; i++)
		r->s->actions.p[i].map = a;
	rig_start(r);
	for (u32 i = 0; i < 3000; i++) {
		u32 size;

		for (u32 j = 0; j < sizeof(rec); j++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			rec[j] = (u8)(seed >> 56);
		}
		size = mem_get32(rec) % sizeof(rec);
		if (i % 8)
			mem_put32(rec, i % (r->s->actions.n + 2));
		rig_send_bytes(r, rec, size);
		CHECK_EQ(script_out_read(r->out, 0, NULL), 1);
		str_clear(&r->text);
		str_clear(&r->err);
	}
	script_out_account(r->out);
	CHECK(strstr(str_text(&r->err), "records were no program's of this script"));
	rig_free(r);
}

TEST(a_broken_ring_is_said_once)
{
	struct rig *r = rig_new(0, false);

	rig_start(r);
	mem_put64(r->ring, 1ul << 40);
	CHECK_EQ(script_out_read(r->out, 0, NULL), -EIO);
	CHECK_EQ(script_out_read(r->out, 0, NULL), 0);
	rig_free(r);
}
