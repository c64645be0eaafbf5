-- name: people
-- Customers with ten traits.
insert into profile (id, traits)
select i, jsonb_build_object('first_name', 'Ann' || i, 'last_name', 'Lee' || i %% 1000, 'city', 'Town' || i %% 97,
    'country', 'DE', 'since', 2000 + i %% 25, 'balance', i %% 100, 'plan', 'p' || i %% 9, 'age', i %% 80, 'score', i %% 1000,
    'timezone', (%(zones)s::text[])[1 + i %% 8])
from generate_series(%(first)s::bigint, %(last)s) i;

-- name: addresses
-- Where they are reached, in no order of theirs.
insert into identity (kind, value, profile_id)
select 'email', md5(i::text) || '@example.com', i from generate_series(%(first)s::bigint, %(last)s) i;

-- name: user_ids
-- Their other identity.
insert into identity (kind, value, profile_id) select 'user_id', 'u' || i, i from generate_series(%(first)s::bigint, %(last)s) i;

-- name: consents
-- One in twenty never agreed, one in twenty took it back.
insert into consent_state (profile_id, channel, topic, state, at, consent_id)
select i, 'email', 'news', case when i %% 20 = 3 then 'withdrawn' else 'granted' end, now(), 0
from generate_series(%(first)s::bigint, %(last)s) i where i %% 20 <> 7;

-- name: suppressions
-- One in fifty bounced.
insert into suppression (channel, address, reason, at, source)
select 'email', md5(i::text) || '@example.com', 'hard_bounce', now(), ''
from generate_series(%(first)s::bigint, %(last)s) i where i %% 50 = 1;

-- name: wishes
-- Some have quiet hours of their own, some want one message a week, some a pause.
insert into preference (profile_id, aspect, value, at, source, change_id)
select i, 'quiet_hours', jsonb_build_object('from', (18 + i %% 5) || ':30', 'to', '07:00',
    'zone', (%(zones)s::text[])[1 + i %% 8]), now(), '', 0
from generate_series(%(first)s::bigint, %(last)s) i where i %% 20 = 4
union all
select i, 'frequency', '"weekly"', now(), '', 0 from generate_series(%(first)s::bigint, %(last)s) i where i %% 20 = 5
union all
select i, 'paused_until', '"2100-01-01T00:00:00Z"', now(), '', 0
from generate_series(%(first)s::bigint, %(last)s) i where i %% 50 = 6;

-- name: ledger
-- What they were written at some time of the last 30 days.
insert into delivery (profile_id, intent_key, dispatch_id, campaign_id, occurrence, channel, account_id, message_class, topic,
    template_version_id, address, state, reason, planned_at, due_at, expires_at, queued_at, sent_at, delivered_at, ended_at,
    attempts, provider_id, bucket)
select i, 'old:' || %(turn)s::int, 1000000, 1000 + %(turn)s::int, '1', 'email', 1, 'marketing', 'news', 1,
    md5(i::text) || '@example.com', 'delivered', 'no_bounce', t, t, t + interval '3 days', t, t, t, t, 1, 'queued as ' || i, i %% 64
from (select i, now() - interval '30 days' * random() as t from generate_series(%(first)s::bigint, %(last)s) i) x;

-- name: kind
-- Of one kind, as far as caps go.
insert into contact_kind (message_class, channel, topic, urgency) values ('marketing', 'email', 'news', 35) returning id;

-- name: contacts
-- Which the gate would have written beside.
insert into contact (profile_id, at, delivery_id, kind)
select profile_id, due_at, id, %(kind)s::int from delivery where id between %(first)s and %(last)s;

-- name: indexes
-- The ledger's indexes are made when it is filled.
select indexname, indexdef from pg_indexes where tablename = 'delivery' and indexname not like '%%key%%';

-- name: forget_contacts
-- Take a run's rows out again, so that each run finds the same ledger.
delete from contact c using delivery d, dispatch p
where p.key = %(key)s and d.dispatch_id = p.id and c.delivery_id = d.id and c.profile_id = d.profile_id;

-- name: forget_deliveries
-- Take a run's rows out again.
delete from delivery d using dispatch p where p.key = %(key)s and d.dispatch_id = p.id;
