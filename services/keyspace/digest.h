/* SPDX-License-Identifier: MIT
 * digest: the order-independent digest of a keyspace, one entry at a time. The whole is keyspace_digest (keyspace.h); a snapshot and
 * a reader of RDB files add up the same figure as they go.
 *
 *      digest of a keyspace   = sum over its entries, modulo 2^128, of H(database u32 | type u32 | deadline_ms i64 | V | key)
 *      V of a string          = H(bytes)
 *      V of a list            = H(element, element, ...), each as size u64 | bytes, head first
 *      V of a set             = sum of H(member)
 *      V of a hash            = sum of H(size of the field u64 | field | value)
 *      V of a sorted set      = sum of H(score f64 | member)
 *
 * H is XXH3-128, V is 16 bytes, numbers are little-endian, no deadline is -1. Encodings do not enter. It tells two states apart
 * that differ by accident; it is no defence against someone who builds collisions: that is the log's Merkle tree. */
#ifndef LOCUS_KEYSPACE_DIGEST_H
#define LOCUS_KEYSPACE_DIGEST_H

#include "services/keyspace/keyspace.h"

/* The digest of one entry in the database of that number. */
struct keyspace_digest digest_entry(int number, const struct entry *e);

/* sum += part, modulo 2^128. */
void digest_add(struct keyspace_digest *sum, const struct keyspace_digest *part);

/* 32 hexadecimal digits and a NUL, most significant byte (the last one) first. */
#define DIGEST_TEXT_SIZE 33
void digest_text(const struct keyspace_digest *digest, char text[DIGEST_TEXT_SIZE]);

#endif
