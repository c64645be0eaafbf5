-- Purposes that people add and name themselves. `renamed`: the title is theirs, and not the house's in each language.
alter table purpose
    add column renamed boolean not null default false,
    add column archived_at timestamptz;

-- The usual path of a message class: channels in their order, taken where an author says nothing of it.
create table delivery_path (
    message_class text primary key,
    hops jsonb not null,
    updated_at timestamptz not null
);

-- Messages that gave way to a more urgent one, and are looked at again until there is room; once, and while they mean something.
create table delivery_displaced (
    profile_id bigint not null,
    delivery_id bigint not null,
    look_at timestamptz not null,
    expires_at timestamptz not null,
    said_again boolean not null default false,
    primary key (profile_id, delivery_id)
);
create index delivery_displaced_due on delivery_displaced (look_at) where not said_again;
alter table delivery_intervention drop constraint delivery_intervention_verb_check,
    add constraint delivery_intervention_verb_check check (verb in ('retry', 'delivered', 'not_delivered', 'send_again', 'room'));


-- Whether the usual path of its class follows where it names no further channels.
alter table campaign add column usual_path boolean not null default true;
