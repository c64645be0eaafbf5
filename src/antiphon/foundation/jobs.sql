-- name: enqueue
-- A job to be done once, now or at a machine time.
insert into job (kind, args, created_by, total, run_at)
values (%(kind)s, %(args)s, %(by)s, %(total)s, coalesce(%(run_at)s, clock_timestamp()))
returning id;

-- name: take
-- A waiting job, or one whose process died.
update job j set state = 'running', owner = %(owner)s, expires = clock_timestamp() + %(term)s,
    attempts = attempts + 1, started_at = coalesce(started_at, clock_timestamp())
from (
    select id from job
    where kind = any(%(kinds)s)
      and (state = 'waiting' and run_at <= clock_timestamp() or state = 'running' and expires < clock_timestamp())
    order by run_at, id limit 1 for update skip locked
) next
where j.id = next.id
returning j.id, j.kind, j.args, j.attempts, j.cancel_asked;

-- name: report
-- Progress, which also renews the lease; tells whether somebody asked to stop.
update job set done = coalesce(%(done)s, done), total = coalesce(%(total)s, total),
    message = coalesce(%(message)s, message), expires = clock_timestamp() + %(term)s
where id = %(id)s and owner = %(owner)s and state = 'running' and attempts = %(attempt)s
returning cancel_asked;

-- name: finish
-- The job's end, with its result or its error.
update job set state = %(state)s, result = %(result)s, error = %(error)s, finished_at = clock_timestamp()
where id = %(id)s and owner = %(owner)s and state = 'running' and attempts = %(attempt)s;

-- name: put_off
-- A job that failed and is begun again later; what it failed of stays to be read.
update job set state = 'waiting', error = %(error)s, run_at = clock_timestamp() + %(pause)s, expires = null
where id = %(id)s and owner = %(owner)s and state = 'running' and attempts = %(attempt)s;

-- name: ask_cancel
-- A waiting job ends at once, a running one when it next looks.
update job set cancel_asked = true,
    state = case when state = 'waiting' then 'cancelled' else state end,
    finished_at = case when state = 'waiting' then clock_timestamp() else finished_at end
where id = %(id)s and state in ('waiting', 'running')
returning id;

-- name: find_job
-- One job.
select id, kind, args, state, done, total, message, result, error, attempts, created_by, created_at, started_at, finished_at
from job where id = %(id)s;

-- name: recent_jobs
-- The latest jobs, newest first.
select id, kind, args, state, done, total, message, result, error, attempts, created_by, created_at, started_at, finished_at
from job where (%(before)s::bigint is null or id < %(before)s) and (%(kind)s::text is null or kind = %(kind)s)
order by id desc limit %(limit)s;

-- name: fence
-- First statement of a job's work transaction: this process still has the job.
select 1 from job where id = %(id)s and owner = %(owner)s and state = 'running' and attempts = %(attempt)s for key share;
