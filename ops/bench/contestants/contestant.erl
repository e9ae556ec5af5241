%% Erlang/OTP: the same workloads, one process per actor, gen-less, with OTP's own supervisor where one crashes.
%% Speaks the lines of `worker`: a workload and its sizes in, its figures or `unsupported` out.
-module(contestant).
-behaviour(supervisor).
-export([main/0, init/1, start_fragile/1, fragile/1]).

-define(HOPS, 4).

main() ->
    logger:set_primary_config(level, none),
    serve().

serve() ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            [Name | Sizes] = string:tokens(string:trim(Line), " "),
            answer(run(list_to_atom(Name), [list_to_integer(Size) || Size <- Sizes])),
            serve()
    end.

answer(unsupported) -> io:format("unsupported~n");
answer(Figures) ->
    io:format("~s~n", [lists:join(" ", [io_lib:format("~.9f", [Figure * 1.0]) || Figure <- Figures])]).

%% Each workload in a process of its own, so that none inherits a heap.
run(Name, Sizes) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({figures, workload(Name, Sizes)}) end),
    receive {'DOWN', Monitor, process, Pid, {figures, Figures}} -> Figures end.

seconds_since(Began) -> (erlang:monotonic_time(nanosecond) - Began) / 1.0e9.
now_ns() -> erlang:monotonic_time(nanosecond).

workload(ping_pong, [RoundTrips]) ->
    Self = self(),
    Ponger = spawn(fun ponger/0),
    Began = now_ns(),
    spawn(fun() -> pinger(Ponger, RoundTrips), Self ! done end),
    receive done -> ok end,
    Took = seconds_since(Began),
    exit(Ponger, kill),
    [Took];
workload(fan_out, [Actors, Rounds]) ->
    Self = self(),
    Targets = [spawn(fun() -> count(Rounds), Self ! counted end) || _ <- lists:seq(1, Actors)],
    Began = now_ns(),
    spawn(fun() -> [Target ! {news, Round} || Round <- lists:seq(1, Rounds), Target <- Targets] end),
    [receive counted -> ok end || _ <- Targets],
    [seconds_since(Began)];
workload(pipeline, [Bursts, Burst]) ->
    Self = self(),
    First = chain(Self),
    Began = now_ns(),
    [begin
         [First ! item || _ <- lists:seq(1, Burst)],
         [receive item -> ok end || _ <- lists:seq(1, Burst)]
     end || _ <- lists:seq(1, Bursts)],
    Took = seconds_since(Began),
    exit(First, kill),
    [Took];
workload(latency, [Messages]) ->
    First = chain(self()),
    Took = [begin
                First ! now_ns(),
                receive SentAt -> now_ns() - SentAt end
            end || _ <- lists:seq(1, Messages)],
    exit(First, kill),
    Ordered = list_to_tuple(lists:sort(Took)),
    [element(Messages div 2 + 1, Ordered) / 1000, element(Messages * 99 div 100 + 1, Ordered) / 1000];
workload(spawn, [Actors]) ->
    Began = now_ns(),
    Idlers = [spawn(fun idle/0) || _ <- lists:seq(1, Actors)],
    Took = seconds_since(Began),
    [exit(Idler, kill) || Idler <- Idlers],
    [Took];
workload(memory, [Actors]) ->
    Before = erlang:memory(total),
    Idlers = [spawn(fun idle/0) || _ <- lists:seq(1, Actors)],
    New = erlang:memory(total) - Before,
    [begin Idler ! {ping, self()}, receive pong -> ok end end || Idler <- Idlers],
    Used = erlang:memory(total) - Before,
    [exit(Idler, kill) || Idler <- Idlers],
    [New / Actors, Used / Actors];
workload(restart, [Restarts]) ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, self()),
    First = receive {started, Pid} -> Pid end,
    Began = now_ns(),
    shoot(First, Restarts),
    Took = seconds_since(Began),
    unlink(Supervisor),
    exit(Supervisor, kill),
    [Took];
workload(_, _) -> unsupported.

pinger(_, 0) -> ok;
pinger(Ponger, Left) ->
    Ponger ! {ball, self()},
    receive ball -> pinger(Ponger, Left - 1) end.

ponger() -> receive {ball, From} -> From ! ball, ponger() end.

count(0) -> ok;
count(Left) -> receive {news, _} -> count(Left - 1) end.

%% The first is the source's own: it dies with all that are linked to it.
chain(Last) -> chain(Last, ?HOPS - 1).
chain(Last, 1) -> spawn(fun() -> hop(Last) end);
chain(Last, Left) ->
    Following = chain(Last, Left - 1),
    spawn(fun() -> link(Following), hop(Following) end).

hop(Following) -> receive Message -> Following ! Message, hop(Following) end.

idle() -> receive {ping, From} -> From ! pong, idle() end.

shoot(_, 0) -> ok;
shoot(Pid, Left) ->
    Pid ! shot,
    receive {started, Next} -> shoot(Next, Left - 1) end.

init(Owner) ->
    Limits = #{strategy => one_for_one, intensity => 100000000, period => 1},
    {ok, {Limits, [#{id => fragile, start => {?MODULE, start_fragile, [Owner]}}]}}.

start_fragile(Owner) -> {ok, spawn_link(?MODULE, fragile, [Owner])}.

fragile(Owner) ->
    Owner ! {started, self()},
    receive shot -> error(shot) end.
