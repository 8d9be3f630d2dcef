-- packets whose addresses or ports changed on the way: where, from what, to what
-- SPDX-License-Identifier: GPL-2.0
WITH seen AS (
	SELECT recording, packet, hop, time_ns, function, netns, device, proto, src, sport, dst, dport,
		lag(function) OVER w AS after, lag(proto) OVER w AS proto0, lag(src) OVER w AS src0, lag(sport) OVER w AS sport0,
		lag(dst) OVER w AS dst0, lag(dport) OVER w AS dport0
	FROM hop
	WHERE src IS NOT NULL AND dport IS NOT NULL
	WINDOW w AS (PARTITION BY recording, packet ORDER BY hop)
)
SELECT recording, packet, hop, netns, device, src0 || ' ' || sport0 || ' > ' || dst0 || ' ' || dport0 AS 'from',
	src || ' ' || sport || ' > ' || dst || ' ' || dport AS 'to', after, function AS before
FROM seen
WHERE proto = proto0 AND (src <> src0 OR dst <> dst0 OR (sport0 AND sport <> sport0) OR (dport0 AND dport <> dport0))
ORDER BY recording, packet, hop;
