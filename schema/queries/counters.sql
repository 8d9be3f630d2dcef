-- what the kernel's own counters (those of nstat) say happened during the recording, errors and drops among them
-- SPDX-License-Identifier: GPL-2.0
SELECT e.recording, e.netns, e.counter, e.value - b.value AS increase
FROM counter e
JOIN counter b ON b.recording = e.recording AND b.moment = 'start' AND b.netns_id IS e.netns_id AND b.counter = e.counter
WHERE e.moment = 'end' AND e.value <> b.value
ORDER BY e.recording, e.netns, e.counter;
