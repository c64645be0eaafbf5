-- name: forget
-- Whose time is over, or what somebody did something else with meanwhile.
delete from delivery_displaced w where w.expires_at <= %(now)s or not w.said_again and w.look_at <= %(now)s and not exists (
    select 1 from delivery d join dispatch p on p.id = d.dispatch_id
    where d.id = w.delivery_id and d.profile_id = w.profile_id and d.state = 'suppressed' and d.reason = 'displaced'
        and p.state <> 'cancelled');

-- name: due
-- The next to be looked at, as who they are now; they are looked at again after a fiftieth of the time they have, a quarter of an hour at most.
with due as (
    select w.profile_id, w.delivery_id from delivery_displaced w
    where not w.said_again and w.look_at <= %(now)s order by w.look_at limit %(most)s for update skip locked
), later as (
    update delivery_displaced w set look_at = %(now)s::timestamptz
        + greatest(interval '1 minute', least(interval '15 minutes', (w.expires_at - %(now)s::timestamptz) / 50))
    from due where w.profile_id = due.profile_id and w.delivery_id = due.delivery_id
    returning w.profile_id, w.delivery_id
)
select d.dispatch_id, d.id, coalesce(a.to_id, d.profile_id)
from later l join delivery d on d.id = l.delivery_id and d.profile_id = l.profile_id
left join alias a on a.from_id = d.profile_id order by d.dispatch_id, d.id;

-- name: give_back
-- There is room: back into the queue they go, as if they had just passed. Not where their chain went on meanwhile.
with picked as materialized (
    select d.id, d.profile_id, d.bucket, d.dispatch_id, d.detail, d.expires_at, coalesce(a.to_id, d.profile_id) as person_id
    from delivery d left join alias a on a.from_id = d.profile_id
    where d.id = any(%(ids)s::bigint[]) and d.profile_id > 0 and d.state = 'suppressed' and d.reason = 'displaced' and not exists (
        select 1 from delivery o
        where (o.id = coalesce(d.origin_id, d.id) or o.origin_id = coalesce(d.origin_id, d.id))
          and o.profile_id = d.profile_id and o.id <> d.id
          and o.state in ('planned', 'queued', 'sent', 'delivered', 'unknown'))
    order by d.id for update of d
), queued as (
    insert into delivery_queue (delivery_id, profile_id, dispatch_id, bucket, due_at, expires_at, attempts)
    select id, profile_id, dispatch_id, bucket, %(now)s, expires_at, 0 from picked
    on conflict do nothing
    returning delivery_id
), unwatched as (
    delete from delivery_watch w using picked p where w.delivery_id = p.id and w.profile_id = p.profile_id
), marked as (
    update delivery_displaced w set said_again = true from picked p where w.delivery_id = p.id and w.profile_id = p.profile_id
), ledger as (
    update delivery d set state = 'queued', reason = null, detail = null, ended_at = null, next_attempt_at = null,
        queued_at = %(now)s, due_at = %(now)s
    from picked p where d.id = p.id and d.profile_id = p.profile_id and d.id in (select delivery_id from queued)
    returning d.id
), noted as (
    insert into delivery_intervention (delivery_id, profile_id, verb, at, by, state, reason, detail, sent_at)
    select p.id, p.profile_id, 'room', %(now)s, 'Antiphon', 'suppressed', 'displaced', p.detail, null
    from picked p where p.id in (select id from ledger)
)
select p.id, p.person_id from picked p join ledger l on l.id = p.id order by p.id;

-- name: any_waits
-- Whether there is anything to look at.
select exists (select 1 from delivery_displaced);
