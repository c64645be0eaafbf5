-- name: look
-- What the gate must know of each of a set of people, as columns: whose id it is now, where they are reached, whether that is
-- on the suppression list, what they said of channel and topic and of how to be written to, their time zone, and whether another
-- id of theirs has it; and which of some deliveries are in the queue still.
-- Codes: reach 0 nobody, 1 no address, 2 not an address, 3 reached; blocked 1 hard_bounce, 2 complaint, 3 manual; consent 1
-- granted, 2 pending, 3 withdrawn. Long addresses are looked at more closely: a bounded pattern costs ten times a plain one.
-- Everything is looked up person by person (`limit` and `offset` keep it so): for twenty thousand of millions the planner would
-- rather read whole tables, and for people with several ids the whole campaign.
with i as materialized (
    select t.n::int as n, t.profile_id, coalesce(a.to_id, t.profile_id) as person_id, t.address as given
    from unnest(%(profile_ids)s::bigint[], %(addresses)s::text[]) with ordinality as t (profile_id, address, n)
    left join lateral (select a.to_id from alias a where a.from_id = t.profile_id limit 1) a on true
), reached as materialized (
    -- identities are ordered by bytes; the suppression list's index is found under its own order only
    select i.n, i.profile_id, i.person_id, coalesce(i.given, y.value) collate "default" as address
    from i
    left join lateral (
        select y.value from identity y
        where y.kind = %(identity)s and y.profile_id = i.person_id and i.given is null
        order by y.created_at desc, y.value limit 1
    ) y on true
), known as (
    select r.n, r.person_id, r.address,
           case when r.address is null then
                    case when exists (select 1 from profile p where p.id = r.person_id) then 1 else 0 end
                when r.address ~ (case when length(r.address) <= 64 then %(quick_rule)s else %(address_rule)s end) then 3
                else 2 end as reach,
           coalesce(array_position('{hard_bounce,complaint,manual}'::text[], coalesce(s.reason, z.reason)), 0) as blocked,
           coalesce(array_position('{granted,pending,withdrawn}'::text[], c.state), 0) as consent,
           case when %(zoned)s then (select p.traits ->> 'timezone' from profile p where p.id = r.person_id) end as zone,
           (case when %(campaign_id)s::bigint is not null
                 and (r.person_id <> r.profile_id or exists (select 1 from alias b where b.to_id = r.person_id))
                then exists (
                    select 1 from (select r.person_id as id union all select b.from_id from alias b where b.to_id = r.person_id) o
                    join delivery d on d.profile_id = o.id
                    where o.id <> r.profile_id and coalesce(d.campaign_id, 0) = %(campaign_id)s and d.occurrence = %(occurrence)s
                      and d.hop = %(hop)s and d.state not in ('suppressed', 'cancelled'))
                else false end)::int as twice
    from reached r
    left join lateral (
        select s.reason from suppression s
        where s.channel = %(channel)s and s.address = r.address and (s.expires_at is null or s.expires_at > %(now)s) limit 1
    ) s on true
    left join lateral (
        select z.reason from suppression_digest z
        -- whether there is any is asked once; where there is none, no digest is made
        where (select exists (select 1 from suppression_digest o where o.channel = %(channel)s))
          and z.channel = %(channel)s and z.digest = sha256(%(digest_key)s::bytea || convert_to(r.address, 'UTF8'))
          and (z.expires_at is null or z.expires_at > %(now)s)
        limit 1
    ) z on true
    left join lateral (
        select c.state from consent_state c
        where %(needs_consent)s and c.profile_id = r.person_id and c.channel = %(channel)s and c.topic = %(topic)s limit 1
    ) c on true
)
select (select version from delivery_rule) as version,
       (select updated_at from holdout where name = 'universal' and enabled and percent > 0) as universal_at,
       (select state from dispatch where id = %(dispatch_id)s) as state,
       (select array_agg(q.delivery_id) from delivery_queue q
        where cardinality(%(delivery_ids)s::bigint[]) > 0 and q.delivery_id = any(%(delivery_ids)s::bigint[])) as waiting,
       (select json_agg(json_build_array(r.n - 1, w.aspect, w.value #>> '{}'))::text
        from reached r
        cross join lateral (
            select w.aspect, w.value from preference w
            where w.profile_id = r.person_id and w.aspect = any(%(aspects)s::text[]) and w.value is not null offset 0
        ) w) as wishes,
       array_send(array_agg(k.person_id)), array_send(array_agg(k.address)), array_send(array_agg(k.reach)),
       array_send(array_agg(k.blocked)), array_send(array_agg(k.consent)), array_agg(k.zone), array_send(array_agg(k.twice))
from (select * from known order by n) k;

-- name: contacts
-- What these people were and will be written, of the kinds that count and within what a cap looks at.
select array_send(array_agg(g.n)), array_send(array_agg(c.at)), array_send(array_agg(c.kind))
from unnest(%(person_ids)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(places)s::int[])
    as g (person_id, since, until, n)
cross join lateral (
    select c.at, c.kind from contact c
    where c.profile_id = g.person_id and c.at > g.since and c.at < g.until and c.kind = any(%(kinds)s::int[]) offset 0
) c;

-- name: contacts_before
-- The same for the second look: what came before each message itself, and when it is down for itself.
select array_send(array_agg(g.n)), array_send(array_agg(c.at)), array_send(array_agg(c.kind)),
       array_send(array_agg(c.delivery_id))
from unnest(%(person_ids)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(places)s::int[])
    as g (person_id, since, until, n)
cross join lateral (
    select c.at, c.kind, c.delivery_id from contact c
    where c.profile_id = g.person_id and c.at > g.since and c.at < g.until and c.kind = any(%(kinds)s::int[]) offset 0
) c;

-- name: queued_states
-- How far these deliveries are; what is in no queue has been said.
select q.delivery_id, q.state, q.claimed_at from delivery_queue q where q.delivery_id = any(%(ids)s::bigint[]);

-- name: write
-- The ledger's rows of a set that was judged, the queue's for those that pass, and what counts towards caps from now on.
with written as (
    insert into delivery (profile_id, intent_key, dispatch_id, campaign_id, occurrence, channel, account_id,
                          message_class, topic, template_version_id, address, state, reason, planned_at, due_at,
                          expires_at, queued_at, ended_at, variables, bucket, expires_asked)
    select d.profile_id, %(key)s || coalesce(':' || d.suffix, ''), %(dispatch_id)s, %(campaign_id)s, %(occurrence)s,
           %(channel)s, %(account_id)s, %(message_class)s, %(topic)s, %(template_version_id)s, d.address,
           d.state, d.reason, %(now)s::timestamptz, d.due_at, d.expires_at,
           case when d.state in ('planned', 'queued') then %(now)s::timestamptz end,
           case when d.state not in ('planned', 'queued') then %(now)s::timestamptz end,
           d.variables::jsonb, d.profile_id %% 64, %(expires_asked)s::boolean
    from unnest(%(profile_ids)s::bigint[], %(suffixes)s::text[], %(variables)s::text[], %(addresses)s::text[],
                %(states)s::text[], %(reasons)s::text[], %(dues)s::timestamptz[], %(expires)s::timestamptz[])
        as d (profile_id, suffix, variables, address, state, reason, due_at, expires_at)
    on conflict (intent_key, profile_id) do nothing
    returning id, profile_id, bucket, state, due_at, expires_at, dispatch_id
), queued as (
    insert into delivery_queue (delivery_id, profile_id, dispatch_id, bucket, due_at, expires_at, budgets, reserved_micros, reserved_at)
    select id, profile_id, dispatch_id, bucket, due_at, expires_at, %(budgets)s::bigint[], %(reserved_micros)s::bigint,
           %(reserved_at)s::timestamptz
    from written where state in ('planned', 'queued')
    returning 1
), counted as (
    insert into contact (profile_id, at, delivery_id, kind)
    select coalesce(a.to_id, w.profile_id), w.due_at, w.id, %(kind)s::int
    from written w left join alias a on a.from_id = w.profile_id
    where w.state in ('planned', 'queued') and %(kind)s::int is not null
)
select count(*) from queued;

-- name: rivals
-- What still waits to be said to these people and is less urgent.
select g.n, c.delivery_id, q.profile_id, c.at, c.kind
from unnest(%(person_ids)s::bigint[], %(places)s::int[]) as g (person_id, n)
join contact c on c.profile_id = g.person_id and c.kind = any(%(kinds)s::int[]) and c.at > %(since)s
join delivery_queue q on q.delivery_id = c.delivery_id and q.state = 'queued'
    and q.profile_id in (select c.profile_id union all select from_id from alias where to_id = c.profile_id);

-- name: already
-- Which of these intents have their row since before.
select array_agg(g.n) from unnest(%(profile_ids)s::bigint[], %(keys)s::text[], %(places)s::int[]) as g (profile_id, intent_key, n)
join delivery d on d.profile_id = g.profile_id and d.intent_key = g.intent_key;

-- name: displace
-- Take these out of the queue, unless somebody has taken one in hand: something more urgent needs their room.
with gone as (
    delete from delivery_queue q using unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[]) as g (delivery_id, profile_id)
    where q.delivery_id = g.delivery_id and q.profile_id = g.profile_id and q.state = 'queued'
    returning q.delivery_id, q.profile_id
), ledger as (
    update delivery d set state = 'suppressed', reason = 'displaced', detail = %(by)s, ended_at = %(now)s, next_attempt_at = null
    from gone g where d.id = g.delivery_id and d.profile_id = g.profile_id
    returning d.id, d.profile_id
)
select id, profile_id from ledger;

-- name: look_for_room_later
-- What gave way is looked at again while it means something; once in its life.
insert into delivery_displaced (profile_id, delivery_id, look_at, expires_at)
select d.profile_id, d.id, %(now)s::timestamptz + interval '1 minute', coalesce(d.expires_at, %(now)s::timestamptz + interval '3 days')
from delivery d join unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[]) as g (id, profile_id) on g.id = d.id and g.profile_id = d.profile_id
where d.state = 'suppressed' and d.profile_id > 0 and coalesce(d.expires_at, 'infinity') > %(now)s::timestamptz + interval '1 minute'
on conflict do nothing;

-- name: put_off
-- Back to the queue until quiet hours are over where the customer is.
with late as (
    update delivery_queue q set state = 'queued', epoch = null, claimed_at = null, due_at = g.due_at
    from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[], %(epochs)s::bigint[], %(dues)s::timestamptz[])
        as g (delivery_id, profile_id, epoch, due_at)
    where q.delivery_id = g.delivery_id and q.profile_id = g.profile_id and q.epoch = g.epoch and q.state = 'claimed'
    returning q.delivery_id, q.profile_id, q.due_at
)
update delivery d set state = 'planned', reason = 'quiet_hours', due_at = late.due_at
from late where d.id = late.delivery_id and d.profile_id = late.profile_id and d.state in ('planned', 'queued');

-- name: move_contacts
-- Messages said (or to be said) at another time than they are down for count at that time; one that is not down is put down.
-- Of one that was said before, and is said again, both times count.
with moved as (
    delete from contact c using unnest(%(person_ids)s::bigint[], %(ids)s::bigint[]) as g (profile_id, delivery_id)
    where c.profile_id = g.profile_id and c.delivery_id = g.delivery_id and c.at >= coalesce((
        select max(i.at) from delivery_intervention i
        where i.delivery_id = g.delivery_id and i.verb in ('retry', 'send_again')), '-infinity')
)
insert into contact (profile_id, at, delivery_id, kind)
select g.profile_id, g.at, g.delivery_id, %(kind)s
from unnest(%(person_ids)s::bigint[], %(ids)s::bigint[], %(ats)s::timestamptz[]) as g (profile_id, delivery_id, at)
on conflict do nothing;

-- name: fold_contacts
-- After merges: what somebody was written is what the person they are part of was written.
update contact c set profile_id = m.into_id
from unnest(%(gone)s::bigint[], %(into)s::bigint[]) as m (gone, into_id)
where c.profile_id = m.gone;

-- name: part_contacts
-- After a merge was undone: each has their own again, as the ledger tells.
update contact c set profile_id = d.profile_id
from delivery d
where c.profile_id = %(survivor)s and d.id = c.delivery_id and d.profile_id = %(revived)s;

-- name: erase_contacts
-- Forget when a customer was written.
delete from contact where profile_id = any(%(profile_ids)s);

-- name: prune_contacts
-- Forget what no cap looks back to, some people at a time; returns where to go on, null at the end.
with part as materialized (
    select profile_id, at, delivery_id from contact
    where profile_id >= %(after)s order by profile_id, at, delivery_id limit %(most)s
), gone as (
    delete from contact c using part p
    where c.profile_id = p.profile_id and c.at = p.at and c.delivery_id = p.delivery_id and p.at < %(before)s
), next as (
    select case when count(*) < %(most)s then null else greatest(max(profile_id), %(after)s + 1) end as place from part
), noted as (
    update delivery_rule set contacts_pruned_to = coalesce((select place from next), 0),
        contacts_pruned_at = case when (select place from next) is null then %(now)s::timestamptz else contacts_pruned_at end
)
select place from next;

-- name: pruning
-- Where pruning is, and when it was last at the end.
select contacts_pruned_to, contacts_pruned_at from delivery_rule;
