-- every packet: when, what, where it was born, what became of it, how long it took
-- SPDX-License-Identifier: GPL-2.0
SELECT recording, packet, (first_ns - min(first_ns) OVER (PARTITION BY recording)) / 1000 AS at_us, tuple, netns, process,
	first_function, fate, reason, fate_function, hops, took_ns / 1000 AS took_us
FROM packet
ORDER BY recording, packet;
