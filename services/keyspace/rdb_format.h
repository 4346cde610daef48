/* SPDX-License-Identifier: MIT
 * rdb_format: the numbers of the RDB format, for its writer and its reader.
 *
 *      size:   00xxxxxx                      0..63
 *              01xxxxxx xxxxxxxx             0..16383
 *              10000000 u32 big-endian
 *              10000001 u64 big-endian
 *              11xxxxxx                      not a size: a text in another form, RDB_TEXT_*
 *
 *      text:   size bytes  |  11000000 i8  |  11000001 i16  |  11000010 i32  |  11000011 compressed-size size bytes
 *
 *      listpack (inside a text): | u32 bytes in all | u16 entries, 65535: not known | entries (packed.h) | 0xFF |
 *      intset   (inside a text): | u32 width: 2, 4, 8 | u32 count | integers, ascending |
 *
 * Integers are little-endian where nothing else is said. */
#ifndef LOCUS_KEYSPACE_RDB_FORMAT_H
#define LOCUS_KEYSPACE_RDB_FORMAT_H

#include "services/keyspace/keyspace.h"

enum {
    RDB_FUNCTION2 = 245,
    RDB_FUNCTION = 246,
    RDB_MODULE_AUX = 247,
    RDB_IDLE = 248,
    RDB_FREQ = 249,
    RDB_AUX = 250,
    RDB_RESIZEDB = 251,
    RDB_EXPIRETIME_MS = 252,
    RDB_EXPIRETIME = 253,
    RDB_SELECTDB = 254,
    RDB_EOF = 255,
};

/* Value types; the ones not named here are in rdb_read.c's table of what is refused. */
enum {
    RDB_TYPE_STRING = 0,
    RDB_TYPE_LIST = 1,
    RDB_TYPE_SET = 2,
    RDB_TYPE_ZSET = 3, /* scores as text */
    RDB_TYPE_HASH = 4,
    RDB_TYPE_ZSET_2 = 5,
    RDB_TYPE_SET_INTSET = 11,
    RDB_TYPE_HASH_LISTPACK = 16,
    RDB_TYPE_ZSET_LISTPACK = 17,
    RDB_TYPE_LIST_QUICKLIST_2 = 18,
    RDB_TYPE_SET_LISTPACK = 20, /* since Redis 7.2 */
};

enum { RDB_TEXT_INT8 = 0xC0, RDB_TEXT_INT16 = 0xC1, RDB_TEXT_INT32 = 0xC2, RDB_TEXT_LZF = 0xC3 };
enum { RDB_NODE_PLAIN = 1, RDB_NODE_PACKED = 2 };
enum { LISTPACK_HEADER_SIZE = 6, LISTPACK_END = 0xFF, LISTPACK_COUNT_UNKNOWN = 65535, INTSET_HEADER_SIZE = 8 };

#define RDB_MAGIC "REDIS"
#define RDB_HEAD_SIZE 9    /* bytes: magic and four digits */
#define RDB_CRC_SIZE 8     /* bytes */

/* Where the encoding of a set is not said by RDB_AUX_ENCODING, it is the one that these limits give. They are part of the
 * format, and do not follow the configuration. */
#define RDB_SET_INTSET_ENTRIES 512
#define RDB_SET_LISTPACK_ENTRIES 128
#define RDB_SET_LISTPACK_VALUE 64

#endif
