-- what died, grouped by reason and place, and what to check next
SELECT recording, count(*) AS packets, reason, function, layer, netns, meaning, advice, min(packet) AS example
FROM dropped
GROUP BY recording, reason, function, netns
ORDER BY recording, packets DESC;
