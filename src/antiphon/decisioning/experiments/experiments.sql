-- name: list_experiments
-- Experiments, newest first.
select id, key, kind, state, salt, design, layer, slots, dealt, winner, created_at, created_by, updated_at, started_at, stopped_at,
       finished_at
from experiment
where (%(before)s::int is null or id < %(before)s) and (%(state)s::text is null or state = %(state)s)
  and (%(text)s::text is null or strpos(lower(key || ' ' || (design ->> 'name')), lower(%(text)s)) > 0)
order by id desc limit %(limit)s;

-- name: find_experiment
-- One experiment.
select id, key, kind, state, salt, design, layer, slots, dealt, winner, created_at, created_by, updated_at, started_at, stopped_at,
       finished_at
from experiment where id = %(id)s;

-- name: find_key
-- The experiment of a key.
select id, key, kind, state, salt, design, layer, slots, dealt, winner, created_at, created_by, updated_at, started_at, stopped_at,
       finished_at
from experiment where key = %(key)s;

-- name: hold_experiment
-- Hold one experiment against others who would change it.
select id from experiment where id = %(id)s for update;

-- name: insert_experiment
-- A new draft; nothing when its key is taken.
insert into experiment (key, kind, salt, design, layer, created_at, created_by, updated_at)
values (%(key)s, %(kind)s, %(salt)s, %(design)s, %(layer)s, %(now)s, %(by)s, %(now)s)
on conflict (key) do nothing returning id;

-- name: update_design
-- What people changed of an experiment.
update experiment set design = %(design)s, layer = %(layer)s, updated_at = %(now)s where id = %(id)s;

-- name: start_experiment
-- People come in from now on, or again.
update experiment set state = 'running', slots = %(slots)s::int[], dealt = %(dealt)s, started_at = coalesce(started_at, %(now)s),
    stopped_at = null, updated_at = %(now)s
where id = %(id)s;

-- name: stop_experiment
-- Nobody new comes in.
update experiment set state = 'stopped', stopped_at = %(now)s, updated_at = %(now)s where id = %(id)s;

-- name: finish_experiment
-- It is over, for good.
update experiment set state = 'finished', winner = %(winner)s::smallint, stopped_at = coalesce(stopped_at, %(now)s),
    finished_at = %(now)s, updated_at = %(now)s
where id = %(id)s;

-- name: adopt_experiment
-- An experiment that was made elsewhere: finished, with the times it had.
update experiment set state = 'finished', winner = %(winner)s::smallint, started_at = %(started_at)s, stopped_at = %(finished_at)s,
    finished_at = %(finished_at)s, updated_at = %(now)s
where id = %(id)s;

-- name: delete_draft
-- A draft is thrown away.
delete from experiment where id = %(id)s and state = 'draft';

-- name: list_layers
-- Every layer with how many of its slots are nobody's.
select l.name, l.title, l.salt, 1000 - (select count(*) from experiment_slot s where s.layer = l.name) as free
from experiment_layer l order by l.name;

-- name: hold_layer
-- Hold a layer while its slots are given out; its salt.
select salt from experiment_layer where name = %(name)s for update;

-- name: taken_slots
-- The slots of a layer that are somebody's: asked once the layer is held, for a wait makes an earlier answer stale.
select slot from experiment_slot where layer = %(name)s order by slot;

-- name: layer_experiments
-- The experiments of layers that are not over, with their share in percent.
select layer, id, key, design ->> 'name' as name, state,
       case when state = 'draft' then (design ->> 'percent')::float8 else cardinality(slots) / 10.0::float8 end as percent
from experiment where layer is not null and state <> 'finished' order by layer, id;

-- name: layer_used
-- Whether any experiment, finished ones too, is of this layer.
select exists (select from experiment where layer = %(name)s);

-- name: put_layer
-- A layer as it is to be; its salt is given once.
insert into experiment_layer (name, title, salt, created_at) values (%(name)s, %(title)s, %(salt)s, %(now)s)
on conflict (name) do update set title = excluded.title;

-- name: delete_layer
-- A layer nobody uses is thrown away.
delete from experiment_layer where name = %(name)s;

-- name: claim_slots
-- Slots of a layer become an experiment's.
insert into experiment_slot (layer, slot, experiment_id)
select %(layer)s, slot, %(id)s from unnest(%(slots)s::int[]) as s (slot);

-- name: free_slots
-- An experiment's slots are free for others.
delete from experiment_slot where experiment_id = %(id)s;

-- name: insert_deal
-- The arms of one stratum as they were dealt.
insert into experiment_deal (experiment_id, stratum, arm, size, ids) values (%(id)s, %(stratum)s, %(arm)s, %(size)s, %(ids)s);

-- name: read_deal
-- Who was dealt what.
select stratum, arm, ids from experiment_deal where experiment_id = %(id)s order by stratum, arm;

-- name: deal_sizes
-- How many of each stratum were dealt to each arm.
select stratum, arm, size from experiment_deal where experiment_id = %(id)s order by stratum, arm;

-- name: expose
-- Who was shown what, and when first: whoever is here stays in their arm, however often they come by.
insert into experiment_exposure (experiment_id, profile_id, arm, exposed_at)
select %(id)s, s.profile_id, s.arm, %(at)s
from unnest(%(profile_ids)s::bigint[], %(arms)s::int[]) as s (profile_id, arm)
on conflict (experiment_id, profile_id) do nothing;

-- name: exposed_arms
-- Which of these people were exposed, and in which arm.
select profile_id, arm from experiment_exposure where experiment_id = %(id)s and profile_id = any(%(profile_ids)s::bigint[]);

-- name: count_exposed
-- How many people each arm was shown to, and from when to when.
select arm, count(*), min(exposed_at), max(exposed_at) from experiment_exposure where experiment_id = %(id)s group by arm order by arm;

-- name: adopt_exposures
-- People whose trait names their arm, a stretch of ids at a time, exposed at a declared instant; the last id looked at.
with part as (
    select id, traits ->> %(trait)s as said from profile where id > %(after)s and merged_into is null order by id limit %(limit)s
), kept as (
    insert into experiment_exposure (experiment_id, profile_id, arm, exposed_at)
    select %(experiment_id)s, part.id, a.arm - 1, %(at)s
    from part join unnest(%(values)s::text[]) with ordinality as a (value, arm) on a.value = part.said
    on conflict (experiment_id, profile_id) do nothing
    returning 1
)
select (select max(id) from part), (select count(*) from kept);

-- name: clear_exposures
-- Some of the exposures of a draft that was never adopted to its end.
delete from experiment_exposure where experiment_id = %(id)s and profile_id in (
    select profile_id from experiment_exposure where experiment_id = %(id)s order by profile_id limit %(limit)s
);

-- name: erase_exposures
-- Erasure: nothing is known any more of what somebody was shown.
delete from experiment_exposure where experiment_id in (select id from experiment) and profile_id = any(%(profile_ids)s::bigint[]);

-- name: export_exposures
-- What somebody was shown in experiments.
select e.key, e.design ->> 'name' as name, e.design -> 'arms' -> x.arm::int ->> 'key' as arm, x.exposed_at
from experiment e join experiment_exposure x on x.experiment_id = e.id
where x.profile_id = any(%(profile_ids)s::bigint[]) order by x.exposed_at;

-- name: deals_to_erase
-- Every deal, for erasing somebody out of it.
select experiment_id, stratum, arm, ids from experiment_deal;

-- name: erase_from_deal
-- Erasure: a deal without somebody.
update experiment_deal set ids = %(ids)s where experiment_id = %(id)s and stratum = %(stratum)s and arm = %(arm)s;

-- name: read_result
-- What an experiment came to when it was last worked out.
select measured_at, settles_at, took_ms, body from experiment_result where experiment_id = %(id)s;

-- name: put_result
-- What an experiment comes to now.
insert into experiment_result (experiment_id, measured_at, settles_at, took_ms, body)
values (%(id)s, %(at)s, %(settles_at)s, %(took_ms)s, %(body)s)
on conflict (experiment_id) do update set measured_at = excluded.measured_at, settles_at = excluded.settles_at,
    took_ms = excluded.took_ms, body = excluded.body, wanted_at = null
where experiment_result.measured_at <= excluded.measured_at;

-- name: read_course
-- How an experiment went, as it was last worked out.
select measured_at, took_ms, body from experiment_course where experiment_id = %(id)s;

-- name: put_course
-- How it went until now.
insert into experiment_course (experiment_id, measured_at, took_ms, body) values (%(id)s, %(at)s, %(took_ms)s, %(body)s)
on conflict (experiment_id) do update set measured_at = excluded.measured_at, took_ms = excluded.took_ms, body = excluded.body
where experiment_course.measured_at <= excluded.measured_at;

-- name: forget_course
-- What it measures has changed.
delete from experiment_course where experiment_id = %(id)s;

-- name: want_result
-- Somebody wants fresh figures.
update experiment_result set wanted_at = %(now)s where experiment_id = %(id)s;

-- name: forget_result
-- What it measures has changed.
delete from experiment_result where experiment_id = %(id)s;

-- name: stale_results
-- Experiments that go on, or whose last windows close yet, whose figures are wanted or old.
select e.id from experiment e left join experiment_result r on r.experiment_id = e.id
where e.state <> 'draft'
  and (r.measured_at is null or r.wanted_at is not null or r.measured_at < %(before)s::timestamptz)
  and (r.measured_at is null or e.state = 'running' or r.measured_at < r.settles_at)
order by r.measured_at nulls first limit 20;

-- name: summaries
-- What lists show of experiments' figures.
select experiment_id, measured_at, (body ->> 'people')::bigint as people, jsonb_array_length(body -> 'alarms') as alarms
from experiment_result where experiment_id = any(%(ids)s::int[]);
