-- how often each function was entered, and what it does
-- SPDX-License-Identifier: GPL-2.0
SELECT recording, name AS function, module, layer, stage, hits, meaning
FROM function
WHERE hits > 0
ORDER BY recording, hits DESC, name;
