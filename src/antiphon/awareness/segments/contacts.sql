-- name: topics
-- What there is to be written to about.
select name from topic;

-- name: consents
-- The latest words of some people.
select profile_id, channel, topic, state from consent_state where profile_id = any(%(ids)s);

-- name: addresses
-- The address some people would be written to at, by channel, and whether it is suppressed there.
select distinct on (y.profile_id, k.channel) y.profile_id, k.channel, y.value, s.address is not null or z.digest is not null
from unnest(%(channels)s::text[], %(kinds)s::text[]) as k (channel, kind)
join identity y on y.kind = k.kind and y.profile_id = any(%(ids)s)
left join suppression s on s.channel = k.channel and s.address = y.value
left join suppression_digest z on z.channel = k.channel
    and z.digest = sha256(%(digest_key)s::bytea || convert_to(y.value, 'UTF8'))
order by y.profile_id, k.channel, y.created_at desc, y.value;
