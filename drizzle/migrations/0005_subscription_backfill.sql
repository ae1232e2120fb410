-- Who was here before there were bills begins its trial now, as whoever signs up today does; test mode is free.
insert into subscription (tenant_id, plan, trial_ends_at, next_step_at)
select tenant_id,
       case when livemode then 'trial' else 'sandbox' end,
       case when livemode then now() + interval '14 days' end,
       case when livemode then now() + interval '11 days' end
  from tenant
    on conflict do nothing;
