-- name: lock_address
-- One at a time may ask for codes to one address.
select pg_advisory_xact_lock(hashtextextended(encode(%(digest)s::bytea, 'hex'), 24));

-- name: sent_lately
-- How many codes were sent to an address since then, and when the first of them.
select coalesce(sum(sendings), 0)::int as sendings, min(sent_at) as first_at
from verification_factor where digest = %(digest)s and sent_at > %(since)s;

-- name: open_verification
-- A verification by its key: made at the first call only.
insert into verification (key, profile_id, created_at, expires_at, created_by, language, content)
values (%(key)s, %(profile_id)s, %(now)s, %(expires_at)s, %(by)s, %(language)s, %(content)s)
on conflict (profile_id, key) do nothing
returning id;

-- name: find_by_key
-- The verification of a key.
select id from verification where profile_id = %(profile_id)s and key = %(key)s;

-- name: add_factor
-- One channel that must pass.
insert into verification_factor (verification_id, profile_id, factor, channel, fallback, address, digest, seed, length,
                                 most_wrong, most_sendings, sent_at)
values (%(id)s, %(profile_id)s, %(factor)s, %(channel)s, %(fallback)s, %(address)s, %(digest)s, %(seed)s, %(length)s,
        %(most_wrong)s, %(most_sendings)s, %(now)s);

-- name: note_sending
-- Which delivery carries a factor's code.
update verification_factor set delivery_ids = delivery_ids || %(delivery_id)s::bigint
where verification_id = %(id)s and profile_id = %(profile_id)s and factor = %(factor)s;

-- name: find_verification
-- A verification; nobody else changes it until the transaction ends.
select id, key, profile_id, state, created_at, expires_at, ended_at, created_by, language, content from verification where id = %(id)s for update;

-- name: read_verification
-- A verification.
select id, key, profile_id, state, created_at, expires_at, ended_at, created_by, language, content from verification where id = %(id)s;

-- name: list_verifications
-- Verifications, newest first.
select id, key, profile_id, state, created_at, expires_at, ended_at, created_by, language, content from verification
where (%(before)s::bigint is null or id < %(before)s)
  and (%(state)s::text is null or state = %(state)s)
  and (%(profile_ids)s::bigint[] is null or profile_id = any(%(profile_ids)s))
order by id desc limit %(limit)s;

-- name: factors_of
-- The channels of verifications that must pass, with the latest hop of each one's latest sending.
select f.verification_id, f.factor, f.channel, f.fallback, f.address, f.digest, f.seed, f.length, f.wrong, f.most_wrong, f.sendings,
       f.most_sendings, f.sent_at, f.passed_at, f.delivery_ids, d.id as delivery_id, d.channel as said_by,
       coalesce(f.address, d.address) as said_to,
       case when q.state in ('claimed', 'speaking') then q.state else d.state end as delivery_state, d.reason,
       d.sent_at as said_at
from verification_factor f
left join lateral (
    select d.* from delivery d
    where d.profile_id = f.profile_id
      and (d.id = f.delivery_ids[cardinality(f.delivery_ids)] or d.origin_id = f.delivery_ids[cardinality(f.delivery_ids)])
    order by d.hop desc, d.id desc limit 1
) d on true
left join delivery_queue q on q.delivery_id = d.id and q.profile_id = d.profile_id
where f.verification_id = any(%(ids)s::bigint[])
order by f.verification_id, f.factor;

-- name: wrong
-- One wrong answer more; whether it was the last that is allowed.
update verification_factor set wrong = wrong + 1
where verification_id = %(id)s and profile_id = %(profile_id)s and factor = %(factor)s
returning wrong >= most_wrong;

-- name: right
-- A factor has passed; whether all have.
with passed as (
    update verification_factor set passed_at = %(now)s
    where verification_id = %(id)s and profile_id = %(profile_id)s and factor = %(factor)s
    returning factor
)
select not exists (
    select 1 from verification_factor f
    where f.verification_id = %(id)s and f.profile_id = %(profile_id)s and f.passed_at is null
      and f.factor not in (select factor from passed)
);

-- name: sent_again
-- One sending more.
update verification_factor set sendings = sendings + 1, sent_at = %(now)s
where verification_id = %(id)s and profile_id = %(profile_id)s and factor = %(factor)s;

-- name: end_verification
-- A verification ends: its codes can be worked out no more, and what was still to be said of it is not said.
with ended as (
    update verification set state = %(state)s, ended_at = %(now)s
    where id = any(%(ids)s::bigint[]) and state = 'pending'
    returning id, profile_id
), factor as (
    update verification_factor f set seed = null from ended e
    where f.verification_id = e.id and f.profile_id = e.profile_id
    returning f.profile_id, f.delivery_ids
), said as materialized (
    select d.id, d.profile_id from factor f
    join delivery d on d.profile_id = f.profile_id and (d.id = any(f.delivery_ids) or d.origin_id = any(f.delivery_ids))
), unwatched as (
    delete from delivery_watch w using said s where w.delivery_id = s.id and w.profile_id = s.profile_id
), gone as (
    delete from delivery_queue q using said s
    where q.delivery_id = s.id and q.profile_id = s.profile_id and q.state = 'queued'
    returning q.delivery_id
), ledger as (
    update delivery d set variables = (d.variables - '_code') || '{"_over": true}'::jsonb,
        state = case when g.delivery_id is null then d.state else 'cancelled' end,
        reason = case when g.delivery_id is null then d.reason else 'verification_over' end,
        ended_at = case when g.delivery_id is null then d.ended_at else %(now)s::timestamptz end,
        next_attempt_at = case when g.delivery_id is null then d.next_attempt_at end
    from said s left join gone g on g.delivery_id = s.id
    where d.id = s.id and d.profile_id = s.profile_id
)
select count(*) from ended;

-- name: not_in_time
-- Codes that wait to be handed over for longer than a receipt would be waited for, and that another channel is to say then: they
-- are not said here any more.
with late as materialized (
    select d.id, d.profile_id from verification v
    join verification_factor f on f.verification_id = v.id and f.profile_id = v.profile_id and f.passed_at is null
    join delivery d on d.profile_id = f.profile_id and d.id = any(f.delivery_ids) and d.state = 'queued'
    join dispatch p on p.id = d.dispatch_id and p.next_id is not null
    where v.state = 'pending'
      and d.due_at + make_interval(secs => (p.hops #>> '{0,receipt_within}')::float8) <= %(now)s::timestamptz
    order by d.due_at limit %(most)s
), gone as (
    delete from delivery_queue q using late l
    where q.delivery_id = l.id and q.profile_id = l.profile_id and q.state = 'queued'
    returning q.delivery_id, q.profile_id
)
update delivery d set state = 'expired', reason = 'not_in_time', ended_at = %(now)s, next_attempt_at = null
from gone g where d.id = g.delivery_id and d.profile_id = g.profile_id
returning d.id, d.profile_id;

-- name: run_out
-- Verifications whose time is over.
select id from verification where state = 'pending' and expires_at <= %(now)s order by expires_at limit %(most)s;

-- name: purge
-- Ended verifications are forgotten after a while.
delete from verification where ctid in (
    select ctid from verification where ended_at < %(before)s order by ended_at limit %(most)s
);
