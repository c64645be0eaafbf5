-- name: withhold
-- Pause, or go on with, everything that was handed in under keys that begin so; what was cancelled stays so.
update dispatch set state = %(state)s where starts_with(key, %(prefix)s) and state <> 'cancelled' and state <> %(state)s returning id;

-- name: call_off
-- What waits in the queue for some people under keys that begin so, and was handed in for these passages, is not said any more.
-- What a sender has in its hands is; no later hop of a chain comes after it.
with theirs as materialized (
    select d.id, d.profile_id from unnest(%(profiles)s::bigint[], %(runs)s::bigint[]) u (profile_id, run)
    join delivery d on d.profile_id = u.profile_id
    join dispatch s on s.id = d.dispatch_id and starts_with(s.key, %(prefix)s)
    where substring(d.intent_key from length(s.key) + 2) like u.run || '.%%'
), gone as (
    delete from delivery_queue q using theirs t
    where q.delivery_id = t.id and q.profile_id = t.profile_id and q.state = 'queued'
    returning q.delivery_id, q.profile_id
), ended as (
    update delivery d set state = 'cancelled', reason = %(reason)s, ended_at = %(now)s, next_attempt_at = null
    from gone g where d.id = g.delivery_id and d.profile_id = g.profile_id
    returning d.id, d.profile_id
), unwatched as (
    delete from delivery_watch w using theirs t where w.delivery_id = t.id and w.profile_id = t.profile_id
)
select count(*) from ended;
