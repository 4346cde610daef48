/* SPDX-License-Identifier: MIT
 * crc64: the checksum that ends RDB files and DUMP payloads: Jones's polynomial ad93d23594c935a9, bits reflected, starting from 0
 * and not inverted; "123456789" gives e9c6d914c4b8d9ca. */
#ifndef LOCUS_KEYSPACE_CRC64_H
#define LOCUS_KEYSPACE_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what came before (0 at the beginning) followed by these bytes. About 2 bytes a nanosecond. */
uint64_t crc64(uint64_t crc, const void *bytes, size_t size);

#endif
