-- What a journey raised tells how many journeys moved its person on by such events before, without a wait.
alter table journey_heard add column begun smallint not null default 0;

-- Who passed a gate lately: turns are given ahead, and nobody may have been moved when they came.
alter table journey_gate add column passed jsonb not null default '[]';
