-- how often each function was entered, and what it does
SELECT recording, name AS function, module, layer, stage, hits, meaning
FROM function
WHERE hits > 0
ORDER BY recording, hits DESC, name;
