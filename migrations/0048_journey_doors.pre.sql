-- What was kept back for a paused journey may let in who did it, or is only heard by who is inside.
alter table journey_heard add column admits boolean not null default true;
