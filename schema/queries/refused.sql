-- functions that were wanted and could not be probed: a path without one of them does not show that it was not called
-- SPDX-License-Identifier: GPL-2.0
SELECT recording, layer, name AS function, module, why, meaning
FROM function
WHERE probed AND NOT attached
ORDER BY recording, layer, name;
