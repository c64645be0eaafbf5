-- name: clocks
-- By which clock people live: what they named with their quiet hours, and what their trait says.
select array_agg(w.value ->> 'zone' order by i.n), array_agg(p.traits ->> 'timezone' order by i.n)
from unnest(%(profile_ids)s::bigint[]) with ordinality as i (profile_id, n)
left join lateral (select a.to_id from alias a where a.from_id = i.profile_id limit 1) a on true
left join lateral (select p.traits from profile p where p.id = coalesce(a.to_id, i.profile_id) limit 1) p on true
left join lateral (
    select w.value from preference w where w.profile_id = coalesce(a.to_id, i.profile_id) and w.aspect = 'quiet_hours' limit 1
) w on true;
