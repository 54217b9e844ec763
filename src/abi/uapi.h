/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/uapi.h - what bpf(2) of Linux 6.18 takes: commands, attributes, flags, info structs.
 *
 * Osmia's own words for the kernel's interface, so that it builds on systems whose <linux/bpf.h> is
 * older; never include that one beside this.  Names are the kernel's.  Layouts were read from the
 * BTF of a 6.18 kernel and are asserted below; tests/load/test_uapi.c compares them with the
 * running kernel's BTF.  Structs only grow at their end: the kernel takes a shorter attr, and
 * refuses a longer one only where the part it does not know is not 0.
 */
#pragma once
#include "base/types.h"

enum bpf_cmd {
#define CMD(name, number) BPF_##name = number,
#include "abi/cmd.def"
#undef CMD
	BPF_CMD_MAX, /* first number that Linux 6.18 does not know */
	BPF_PROG_RUN = BPF_PROG_TEST_RUN,
};

enum bpf_map_type {
#define MAP_TYPE(name, number, text) BPF_MAP_TYPE_##name = number,
#include "abi/map_type.def"
#undef MAP_TYPE
	BPF_MAP_TYPE_MAX,
};

enum bpf_prog_type {
#define PROG_TYPE(name, number, text) BPF_PROG_TYPE_##name = number,
#include "abi/prog_type.def"
#undef PROG_TYPE
	BPF_PROG_TYPE_MAX,
};

enum bpf_attach_type {
#define ATTACH_TYPE(name, number, text) BPF_##name = number,
#include "abi/attach_type.def"
#undef ATTACH_TYPE
	BPF_ATTACH_TYPE_MAX,
};

enum bpf_link_type {
#define LINK_TYPE(name, number, text) BPF_LINK_TYPE_##name = number,
#include "abi/link_type.def"
#undef LINK_TYPE
	BPF_LINK_TYPE_MAX,
};

/* Their names as people write them; NULL for a number that is not in the table. */
const char *map_type_text(u32 type);
const char *prog_type_text(u32 type);

enum {
	BPF_OBJ_NAME_LEN = 16,
	BPF_TAG_SIZE = 8,
	BPF_BUILD_ID_SIZE = 20,
	BPF_MAXINSNS = 4096,            /* without CAP_BPF */
	BPF_COMPLEXITY_INSNS = 1000000, /* with it; also the most insns that are processed */
	BPF_MAX_SUBPROGS = 256,
	BPF_MAX_USED_MAPS = 64,
};

/* BPF_MAP_CREATE: map_flags; OBJ_GET, *_GET_FD_BY_ID: file_flags, open_flags. */
enum {
	BPF_F_NO_PREALLOC = 1u << 0,
	BPF_F_NO_COMMON_LRU = 1u << 1,
	BPF_F_NUMA_NODE = 1u << 2,
	BPF_F_RDONLY = 1u << 3,
	BPF_F_WRONLY = 1u << 4,
	BPF_F_STACK_BUILD_ID = 1u << 5,
	BPF_F_ZERO_SEED = 1u << 6,
	BPF_F_RDONLY_PROG = 1u << 7,
	BPF_F_WRONLY_PROG = 1u << 8,
	BPF_F_CLONE = 1u << 9,
	BPF_F_MMAPABLE = 1u << 10,
	BPF_F_PRESERVE_ELEMS = 1u << 11,
	BPF_F_INNER_MAP = 1u << 12,
	BPF_F_LINK = 1u << 13,
	BPF_F_PATH_FD = 1u << 14,
	BPF_F_VTYPE_BTF_OBJ_FD = 1u << 15,
	BPF_F_TOKEN_FD = 1u << 16, /* also prog_flags and btf_flags */
	BPF_F_SEGV_ON_FAULT = 1u << 17,
	BPF_F_NO_USER_CONV = 1u << 18,
};

/* BPF_MAP_*_ELEM: flags. */
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2, BPF_F_LOCK = 4 };

/* BPF_PROG_LOAD: prog_flags. */
enum {
	BPF_F_STRICT_ALIGNMENT = 1u << 0,
	BPF_F_ANY_ALIGNMENT = 1u << 1,
	BPF_F_TEST_RND_HI32 = 1u << 2,
	BPF_F_TEST_STATE_FREQ = 1u << 3,
	BPF_F_SLEEPABLE = 1u << 4,
	BPF_F_XDP_HAS_FRAGS = 1u << 5,
	BPF_F_XDP_DEV_BOUND_ONLY = 1u << 6,
	BPF_F_TEST_REG_INVARIANTS = 1u << 7,
};

/* BPF_PROG_ATTACH: attach_flags; BPF_LINK_CREATE and UPDATE: flags. */
enum {
	BPF_F_ALLOW_OVERRIDE = 1u << 0,
	BPF_F_ALLOW_MULTI = 1u << 1,
	BPF_F_REPLACE = 1u << 2,
	BPF_F_BEFORE = 1u << 3,
	BPF_F_AFTER = 1u << 4,
	BPF_F_ID = 1u << 5,
	BPF_F_PREORDER = 1u << 6,
};
enum { BPF_F_QUERY_EFFECTIVE = 1u << 0 };
enum { BPF_F_KPROBE_MULTI_RETURN = 1u << 0, BPF_F_UPROBE_MULTI_RETURN = 1u << 0 };
enum { BPF_F_NETFILTER_IP_DEFRAG = 1u << 0 };
enum {
	BPF_F_TEST_RUN_ON_CPU = 1u << 0,
	BPF_F_TEST_XDP_LIVE_FRAMES = 1u << 1,
	BPF_F_TEST_SKB_CHECKSUM_COMPLETE = 1u << 2,
};
enum bpf_stats_type { BPF_STATS_RUN_TIME };

/* Flags of helpers. */
enum {
	BPF_F_INDEX_MASK = 0xffffffffull,   /* perf_event_output, perf_event_read */
	BPF_F_CURRENT_CPU = BPF_F_INDEX_MASK,
	BPF_F_CTXLEN_MASK = 0xfffffull << 32,
};
enum {
	BPF_F_SKIP_FIELD_MASK = 0xff,       /* get_stack, get_stackid */
	BPF_F_USER_STACK = 1u << 8,
	BPF_F_FAST_STACK_CMP = 1u << 9,
	BPF_F_REUSE_STACKID = 1u << 10,
	BPF_F_USER_BUILD_ID = 1u << 11,
};
enum { BPF_F_INGRESS = 1u << 0, BPF_F_BROADCAST = 1u << 3, BPF_F_EXCLUDE_INGRESS = 1u << 4 };
enum { BPF_F_RECOMPUTE_CSUM = 1u << 0, BPF_F_INVALIDATE_HASH = 1u << 1 };
enum {
	BPF_F_HDR_FIELD_MASK = 0xf,         /* l3_csum_replace, l4_csum_replace */
	BPF_F_PSEUDO_HDR = 1u << 4,
	BPF_F_MARK_MANGLED_0 = 1u << 5,
	BPF_F_MARK_ENFORCE = 1u << 6,
	BPF_F_IPV6 = 1u << 7,
};
enum { BPF_CSUM_LEVEL_QUERY, BPF_CSUM_LEVEL_INC, BPF_CSUM_LEVEL_DEC, BPF_CSUM_LEVEL_RESET };
enum { BPF_F_TIMER_ABS = 1u << 0, BPF_F_TIMER_CPU_PIN = 1u << 1 };
enum { BPF_F_GET_BRANCH_RECORDS_SIZE = 1u << 0 };
enum { BPF_F_SYSCTL_BASE_NAME = 1u << 0 };
enum { BPF_F_CURRENT_NETNS = -1 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1u << 0, BPF_SK_STORAGE_GET_F_CREATE = 1u << 0 };

/* Ring buffers: flags of helpers, questions of ringbuf_query, and the eight bytes before a
 * record: its length with two bits above it, then the page offset. */
enum { BPF_RB_NO_WAKEUP = 1u << 0, BPF_RB_FORCE_WAKEUP = 1u << 1 };
enum { BPF_RB_AVAIL_DATA, BPF_RB_RING_SIZE, BPF_RB_CONS_POS, BPF_RB_PROD_POS };
enum {
	BPF_RINGBUF_BUSY_BIT = 1u << 31,
	BPF_RINGBUF_DISCARD_BIT = 1u << 30,
	BPF_RINGBUF_HDR_SZ = 8,
};

/* PROG_STREAM_READ_BY_FD: stream_id. */
enum { BPF_STREAM_STDOUT = 1, BPF_STREAM_STDERR = 2 };

enum bpf_task_fd_type {
	BPF_FD_TYPE_RAW_TRACEPOINT, BPF_FD_TYPE_TRACEPOINT, BPF_FD_TYPE_KPROBE,
	BPF_FD_TYPE_KRETPROBE, BPF_FD_TYPE_UPROBE, BPF_FD_TYPE_URETPROBE,
};

enum bpf_perf_event_type {
	BPF_PERF_EVENT_UNSPEC, BPF_PERF_EVENT_UPROBE, BPF_PERF_EVENT_URETPROBE,
	BPF_PERF_EVENT_KPROBE, BPF_PERF_EVENT_KRETPROBE, BPF_PERF_EVENT_TRACEPOINT,
	BPF_PERF_EVENT_EVENT,
};

enum bpf_cgroup_iter_order {
	BPF_CGROUP_ITER_ORDER_UNSPEC, BPF_CGROUP_ITER_SELF_ONLY, BPF_CGROUP_ITER_DESCENDANTS_PRE,
	BPF_CGROUP_ITER_DESCENDANTS_POST, BPF_CGROUP_ITER_ANCESTORS_UP,
};

enum xdp_action { XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };

/* Fields inside map values that the kernel manages, by struct name: size and alignment in bytes. */
struct bpf_spin_lock { u32 val; };
struct bpf_res_spin_lock { u32 val; };
struct bpf_timer { u64 opaque[2]; };
struct bpf_wq { u64 opaque[2]; };
struct bpf_task_work { u64 opaque; };
struct bpf_dynptr { u64 opaque[2]; };
struct bpf_list_head { u64 opaque[2]; };
struct bpf_list_node { u64 opaque[3]; };
struct bpf_rb_root { u64 opaque[2]; };
struct bpf_rb_node { u64 opaque[4]; };
struct bpf_refcount { u32 opaque[1]; };

struct bpf_func_info {
	u32 insn_off;
	u32 type_id;
};

struct bpf_line_info {
	u32 insn_off;
	u32 file_name_off;
	u32 line_off;
	u32 line_col; /* line << 10 | column */
};

struct bpf_core_relo {
	u32 insn_off;
	u32 type_id;
	u32 access_str_off;
	u32 kind;
};

struct bpf_stack_build_id {
	s32 status; /* 0 empty, 1 valid, 2 ip only */
	u8 build_id[BPF_BUILD_ID_SIZE];
	union {
		u64 offset;
		u64 ip;
	};
};

struct bpf_pidns_info {
	u32 pid;
	u32 tgid;
};

struct bpf_devmap_val {
	u32 ifindex;
	s32 prog_fd; /* in; its id when read */
};

struct bpf_cpumap_val {
	u32 qsize;
	s32 prog_fd; /* in; its id when read */
};

/* What an XDP program gets; data and data_end are offsets only outside a program. */
struct xdp_md {
	u32 data;
	u32 data_end;
	u32 data_meta;
	u32 ingress_ifindex;
	u32 rx_queue_index;
	u32 egress_ifindex;
};

/* What an skb program gets; protocol, vlan_proto, addresses and remote_port in network order. */
struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol;
	u32 vlan_present;
	u32 vlan_tci;
	u32 vlan_proto;
	u32 priority;
	u32 ingress_ifindex;
	u32 ifindex;
	u32 tc_index;
	u32 cb[5];
	u32 hash;
	u32 tc_classid;
	u32 data;
	u32 data_end;
	u32 napi_id;
	u32 family;
	u32 remote_ip4;
	u32 local_ip4;
	u32 remote_ip6[4];
	u32 local_ip6[4];
	u32 remote_port;
	u32 local_port;
	u32 data_meta;
	u64 flow_keys;
	u64 tstamp;
	u32 wire_len;
	u32 gso_segs;
	u64 sk;
	u32 gso_size;
	u8 tstamp_type; /* 0 realtime, 1 monotonic, 2 TAI */
	u8 reserved[3];
	u64 hwtstamp;
};
_Static_assert(sizeof(struct __sk_buff) == 192, "struct __sk_buff of Linux 6.18");

enum { TC_ACT_UNSPEC = -1, TC_ACT_OK, TC_ACT_RECLASSIFY, TC_ACT_SHOT, TC_ACT_PIPE, TC_ACT_STOLEN,
       TC_ACT_QUEUED, TC_ACT_REPEAT, TC_ACT_REDIRECT };
enum { BPF_HDR_START_MAC, BPF_HDR_START_NET };

/* attr of bpf(2), a part per command. */
union bpf_attr {
	struct { /* BPF_MAP_CREATE */
		u32 map_type;
		u32 key_size;
		u32 value_size;
		u32 max_entries;
		u32 map_flags;
		u32 inner_map_fd;
		u32 numa_node;
		char map_name[BPF_OBJ_NAME_LEN];
		u32 map_ifindex;
		u32 btf_fd;
		u32 btf_key_type_id;
		u32 btf_value_type_id;
		u32 btf_vmlinux_value_type_id;
		u64 map_extra;
		s32 value_type_btf_obj_fd;
		s32 map_token_fd;
		u64 excl_prog_hash;
		u32 excl_prog_hash_size;
	};
	struct { /* BPF_MAP_*_ELEM, BPF_MAP_GET_NEXT_KEY, BPF_MAP_FREEZE */
		u32 map_fd;
		u64 key;
		union {
			u64 value;
			u64 next_key;
		};
		u64 flags;
	};
	struct { /* BPF_MAP_*_BATCH */
		u64 in_batch;
		u64 out_batch;
		u64 keys;
		u64 values;
		u32 count;
		u32 map_fd;
		u64 elem_flags;
		u64 flags;
	} batch;
	struct { /* BPF_PROG_LOAD */
		u32 prog_type;
		u32 insn_cnt;
		u64 insns;
		u64 license;
		u32 log_level;
		u32 log_size;
		u64 log_buf;
		u32 kern_version;
		u32 prog_flags;
		char prog_name[BPF_OBJ_NAME_LEN];
		u32 prog_ifindex;
		u32 expected_attach_type;
		u32 prog_btf_fd;
		u32 func_info_rec_size;
		u64 func_info;
		u32 func_info_cnt;
		u32 line_info_rec_size;
		u64 line_info;
		u32 line_info_cnt;
		u32 attach_btf_id;
		union {
			u32 attach_prog_fd;
			u32 attach_btf_obj_fd;
		};
		u32 core_relo_cnt;
		u64 fd_array;
		u64 core_relos;
		u32 core_relo_rec_size;
		u32 log_true_size;
		s32 prog_token_fd;
		u32 fd_array_cnt;
		u64 signature;
		u32 signature_size;
		s32 keyring_id;
	};
	struct { /* BPF_OBJ_PIN, BPF_OBJ_GET */
		u64 pathname;
		u32 bpf_fd;
		u32 file_flags;
		s32 path_fd;
	};
	struct { /* BPF_PROG_ATTACH, BPF_PROG_DETACH */
		union {
			u32 target_fd;
			u32 target_ifindex;
		};
		u32 attach_bpf_fd;
		u32 attach_type;
		u32 attach_flags;
		u32 replace_bpf_fd;
		union {
			u32 relative_fd;
			u32 relative_id;
		};
		u64 expected_revision;
	};
	struct {
		u32 prog_fd;
		u32 retval;
		u32 data_size_in;
		u32 data_size_out;
		u64 data_in;
		u64 data_out;
		u32 repeat;
		u32 duration;
		u32 ctx_size_in;
		u32 ctx_size_out;
		u64 ctx_in;
		u64 ctx_out;
		u32 flags;
		u32 cpu;
		u32 batch_size;
	} test;
	struct { /* BPF_*_GET_NEXT_ID, BPF_*_GET_FD_BY_ID */
		union {
			u32 start_id;
			u32 prog_id;
			u32 map_id;
			u32 btf_id;
			u32 link_id;
		};
		u32 next_id;
		u32 open_flags;
		s32 fd_by_id_token_fd;
	};
	struct {
		u32 bpf_fd;
		u32 info_len;
		u64 info;
	} info;
	struct {
		union {
			u32 target_fd;
			u32 target_ifindex;
		};
		u32 attach_type;
		u32 query_flags;
		u32 attach_flags;
		u64 prog_ids;
		union {
			u32 prog_cnt;
			u32 count;
		};
		u64 prog_attach_flags;
		u64 link_ids;
		u64 link_attach_flags;
		u64 revision;
	} query;
	struct {
		u64 name;
		u32 prog_fd;
		u64 cookie;
	} raw_tracepoint;
	struct { /* BPF_BTF_LOAD */
		u64 btf;
		u64 btf_log_buf;
		u32 btf_size;
		u32 btf_log_size;
		u32 btf_log_level;
		u32 btf_log_true_size;
		u32 btf_flags;
		s32 btf_token_fd;
	};
	struct {
		u32 pid;
		u32 fd;
		u32 flags;
		u32 buf_len;
		u64 buf;
		u32 prog_id;
		u32 fd_type;
		u64 probe_offset;
		u64 probe_addr;
	} task_fd_query;
	struct {
		union {
			u32 prog_fd;
			u32 map_fd;
		};
		union {
			u32 target_fd;
			u32 target_ifindex;
		};
		u32 attach_type;
		u32 flags;
		union {
			u32 target_btf_id;
			struct {
				u64 iter_info;
				u32 iter_info_len;
			};
			struct {
				u64 bpf_cookie;
			} perf_event;
			struct {
				u32 flags;
				u32 cnt;
				u64 syms;
				u64 addrs;
				u64 cookies;
			} kprobe_multi;
			struct {
				u32 target_btf_id;
				u64 cookie;
			} tracing;
			struct {
				u32 pf;
				u32 hooknum;
				s32 priority;
				u32 flags;
			} netfilter;
			struct {
				union {
					u32 relative_fd;
					u32 relative_id;
				};
				u64 expected_revision;
			} tcx;
			struct {
				u64 path;
				u64 offsets;
				u64 ref_ctr_offsets;
				u64 cookies;
				u32 cnt;
				u32 flags;
				u32 pid;
			} uprobe_multi;
			struct {
				union {
					u32 relative_fd;
					u32 relative_id;
				};
				u64 expected_revision;
			} netkit;
			struct {
				union {
					u32 relative_fd;
					u32 relative_id;
				};
				u64 expected_revision;
			} cgroup;
		};
	} link_create;
	struct {
		u32 link_fd;
		union {
			u32 new_prog_fd;
			u32 new_map_fd;
		};
		u32 flags;
		union {
			u32 old_prog_fd;
			u32 old_map_fd;
		};
	} link_update;
	struct {
		u32 link_fd;
	} link_detach;
	struct {
		u32 type;
	} enable_stats;
	struct {
		u32 link_fd;
		u32 flags;
	} iter_create;
	struct {
		u32 prog_fd;
		u32 map_fd;
		u32 flags;
	} prog_bind_map;
	struct {
		u32 flags;
		u32 bpffs_fd;
	} token_create;
	struct {
		u64 stream_buf;
		u32 stream_buf_len;
		u32 stream_id;
		u32 prog_fd;
	} prog_stream_read;
};
_Static_assert(sizeof(union bpf_attr) == 168, "union bpf_attr of Linux 6.18");

/* Bytes of attr up to and with a field: what a call of an older kernel's shape passes. */
#define BPF_ATTR_UPTO(field) \
	(offsetof(union bpf_attr, field) + sizeof(((union bpf_attr *)0)->field))

/* BPF_OBJ_GET_INFO_BY_FD; tails are cut where the caller's struct is shorter. */
struct bpf_prog_info {
	u32 type;
	u32 id;
	u8 tag[BPF_TAG_SIZE];
	u32 jited_prog_len;
	u32 xlated_prog_len;
	u64 jited_prog_insns;
	u64 xlated_prog_insns;
	u64 load_time;
	u32 created_by_uid;
	u32 nr_map_ids;
	u64 map_ids;
	char name[BPF_OBJ_NAME_LEN];
	u32 ifindex;
	u32 gpl_compatible: 1;
	u64 netns_dev;
	u64 netns_ino;
	u32 nr_jited_ksyms;
	u32 nr_jited_func_lens;
	u64 jited_ksyms;
	u64 jited_func_lens;
	u32 btf_id;
	u32 func_info_rec_size;
	u64 func_info;
	u32 nr_func_info;
	u32 nr_line_info;
	u64 line_info;
	u64 jited_line_info;
	u32 nr_jited_line_info;
	u32 line_info_rec_size;
	u32 jited_line_info_rec_size;
	u32 nr_prog_tags;
	u64 prog_tags;
	u64 run_time_ns;
	u64 run_cnt;
	u64 recursion_misses;
	u32 verified_insns;
	u32 attach_btf_obj_id;
	u32 attach_btf_id;
};

struct bpf_map_info {
	u32 type;
	u32 id;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 map_flags;
	char name[BPF_OBJ_NAME_LEN];
	u32 ifindex;
	u32 btf_vmlinux_value_type_id;
	u64 netns_dev;
	u64 netns_ino;
	u32 btf_id;
	u32 btf_key_type_id;
	u32 btf_value_type_id;
	u32 btf_vmlinux_id;
	u64 map_extra;
	u64 hash;
	u32 hash_size;
};

struct bpf_btf_info {
	u64 btf;
	u32 btf_size;
	u32 id;
	u64 name;
	u32 name_len;
	u32 kernel_btf;
};

struct bpf_link_info {
	u32 type;
	u32 id;
	u32 prog_id;
	union {
		struct {
			u64 tp_name;
			u32 tp_name_len;
			u64 cookie;
		} raw_tracepoint;
		struct {
			u32 attach_type;
			u32 target_obj_id;
			u32 target_btf_id;
			u64 cookie;
		} tracing;
		struct {
			u64 cgroup_id;
			u32 attach_type;
		} cgroup;
		struct {
			u64 target_name;
			u32 target_name_len;
			union {
				struct {
					u32 map_id;
				} map;
			};
			union {
				struct {
					u64 cgroup_id;
					u32 order;
				} cgroup;
				struct {
					u32 tid;
					u32 pid;
				} task;
			};
		} iter;
		struct {
			u32 netns_ino;
			u32 attach_type;
		} netns;
		struct {
			u32 ifindex;
		} xdp;
		struct {
			u32 map_id;
		} struct_ops;
		struct {
			u32 pf;
			u32 hooknum;
			s32 priority;
			u32 flags;
		} netfilter;
		struct {
			u64 addrs;
			u32 count;
			u32 flags;
			u64 missed;
			u64 cookies;
		} kprobe_multi;
		struct {
			u64 path;
			u64 offsets;
			u64 ref_ctr_offsets;
			u64 cookies;
			u32 path_size;
			u32 count;
			u32 flags;
			u32 pid;
		} uprobe_multi;
		struct {
			u32 type;
			union {
				struct {
					u64 file_name;
					u32 name_len;
					u32 offset;
					u64 cookie;
					u64 ref_ctr_offset;
				} uprobe;
				struct {
					u64 func_name;
					u32 name_len;
					u32 offset;
					u64 addr;
					u64 missed;
					u64 cookie;
				} kprobe;
				struct {
					u64 tp_name;
					u32 name_len;
					u64 cookie;
				} tracepoint;
				struct {
					u64 config;
					u32 type;
					u64 cookie;
				} event;
			};
		} perf_event;
		struct {
			u32 ifindex;
			u32 attach_type;
		} tcx;
		struct {
			u32 ifindex;
			u32 attach_type;
		} netkit;
		struct {
			u32 map_id;
			u32 attach_type;
		} sockmap;
	};
};

/* link_create.iter_info */
union bpf_iter_link_info {
	struct {
		u32 map_fd;
	} map;
	struct {
		u32 order;
		u32 cgroup_fd;
		u64 cgroup_id;
	} cgroup;
	struct {
		u32 tid;
		u32 pid;
		u32 pid_fd;
	} task;
};

