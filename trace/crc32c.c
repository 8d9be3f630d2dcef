// SPDX-License-Identifier: GPL-2.0
/*
 * crc32c.c - CRC32C, by the processor's own instruction where it has one (SSE4.2, ARMv8), by table elsewhere.
 *
 * Reflected polynomial 0x82f63b78; both ways give the same result, and a test compares them.
 */
#include <string.h>

#include "wire.h"

#if defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <sys/auxv.h>
#endif

#define POLYNOMIAL 0x82f63b78u
#define T1(n) ((n) & 1 ? (n) >> 1 ^ POLYNOMIAL : (n) >> 1)
#define T4(n) T1(T1(T1(T1(n))))

/* the CRC of each half byte: small enough to be in the cache when it is needed, and known at compile time */
static const uint32_t half[16] = {
	T4(0u), T4(1u), T4(2u), T4(3u), T4(4u), T4(5u), T4(6u), T4(7u),
	T4(8u), T4(9u), T4(10u), T4(11u), T4(12u), T4(13u), T4(14u), T4(15u),
};

uint32_t trc_crc32c_table(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;

	crc = ~crc;
	for (; size; size--) {
		crc ^= *p++;
		crc = crc >> 4 ^ half[crc & 15];
		crc = crc >> 4 ^ half[crc & 15];
	}
	return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2")))
static uint32_t crc32c_machine(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t c = (uint32_t)~crc, word;

	for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		c = __builtin_ia32_crc32di(c, word);
	}
	for (; size; size--)
		c = __builtin_ia32_crc32qi(c, *p++);
	return ~(uint32_t)c;
}

static bool machine_has_crc32c(void)
{
	return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#define HWCAP_CRC32_BIT (1 << 7)	/* the kernel's HWCAP_CRC32 */

/* Written out: arm_acle.h has these only when the whole program may use them, or not, by compiler. */
static uint32_t crc32c_machine(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t word;

	crc = ~crc;
	for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		asm(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
	}
	for (; size; size--)
		asm(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"((uint32_t)*p++));
	return ~crc;
}

static bool machine_has_crc32c(void)
{
	return getauxval(AT_HWCAP) & HWCAP_CRC32_BIT;
}

#else
#define crc32c_machine trc_crc32c_table
static bool machine_has_crc32c(void)
{
	return false;
}
#endif

uint32_t trc_crc32c(uint32_t crc, const void *data, size_t size)
{
	return machine_has_crc32c() ? crc32c_machine(crc, data, size) : trc_crc32c_table(crc, data, size);
}
