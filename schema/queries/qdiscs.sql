-- queueing: for each device the time from the queue to the driver, with its qdisc and what that says it dropped
-- SPDX-License-Identifier: GPL-2.0
WITH step AS (
	SELECT recording, packet, hop, time_ns, stage, netns_id, netns, device, lag(stage) OVER w AS stage0, lag(time_ns) OVER w AS time0
	FROM hop
	WHERE stage IN ('to_qdisc', 'to_driver') AND kind <> 'return' AND device IS NOT NULL
	WINDOW w AS (PARTITION BY recording, packet ORDER BY hop)
), qdisc AS (
	SELECT s.recording, s.moment, s.netns_id, q.value ->> '$.dev' AS device, clean(q.value ->> '$.kind') AS kind,
		q.value ->> '$.drops' AS drops, q.value ->> '$.overlimits' AS overlimits
	FROM snapshot s, json_each(iif(s.what = 'qdiscs' AND json_valid(s.text), s.text, '[]')) q
	WHERE q.type = 'object' AND iif(q.type = 'object', q.value ->> '$.root', 0)
)
SELECT s.recording, s.netns, s.device, q.kind AS qdisc, count(*) AS packets, CAST(percentile(time_ns - time0, 50) AS INTEGER) AS median_ns,
	CAST(percentile(time_ns - time0, 99) AS INTEGER) AS p99_ns, max(time_ns - time0) AS max_ns,
	q.drops - coalesce(b.drops, 0) AS dropped, q.overlimits - coalesce(b.overlimits, 0) AS overlimits
FROM step s
LEFT JOIN qdisc q ON q.recording = s.recording AND q.moment = 'end' AND q.netns_id = s.netns_id AND q.device = s.device
LEFT JOIN qdisc b ON b.recording = s.recording AND b.moment = 'start' AND b.netns_id = s.netns_id AND b.device = s.device
WHERE s.stage = 'to_driver' AND s.stage0 = 'to_qdisc'
GROUP BY s.recording, s.netns_id, s.device
ORDER BY s.recording, max_ns DESC, s.netns, s.device;
