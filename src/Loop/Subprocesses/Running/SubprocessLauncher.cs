namespace UnixLoop.Subprocesses;

/// <summary>From the start info to a child that runs and is watched; or to an error, with nothing left behind.</summary>
internal sealed class SubprocessLauncher(SubprocessServices services)
{
    internal SubprocessServices Services => services;

    /// <summary>Whether a start on a loop's thread stays there.</summary>
    internal bool StartOnLoop { get; set; }

    /// <summary>
    /// Spawns on the caller's thread, and has completed when it returns; on a loop's thread it moves to another thread, unless
    /// <see cref="StartOnLoop"/> is set, and its task continues there. One that may wait in open(2) moves in any case, and so does a
    /// child that dies with us: to the launch thread, which never ends (linux.md, rule 11).
    /// </summary>
    internal ValueTask<ChildProcess> LaunchAsync(
        SubprocessStartInfo startInfo, RunStreams streams, IChildConsumer consumer, CancellationToken cancellationToken)
    {
        bool isPatient = PatientStart.IsNeededFor(streams);
        bool diesWithUs = startInfo.Attributes?.ParentDeathSignal is not null;
        if (!isPatient && !diesWithUs && (UnixEventLoop.Current is null || StartOnLoop))
            return LaunchHereAsync(startInfo, streams, consumer, cancellationToken);
        var request = new LaunchRequest(this, startInfo, streams, consumer, cancellationToken);
        if (isPatient)
            return new ValueTask<ChildProcess>(PatientStart.RunAsync(request, streams, diesWithUs, cancellationToken));
        LaunchThread.Enqueue(request, mayMove: !diesWithUs);
        return new ValueTask<ChildProcess>(request.Launched);
    }

    internal ValueTask<ChildProcess> LaunchHereAsync(
        SubprocessStartInfo startInfo, RunStreams streams, IChildConsumer consumer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ChildProcess>(cancellationToken);

        ChildProcess? child = null;
        Exception? failure = null;
        try
        {
            ThrowIfInactive();
            using ChildSpawnScope scope = services.Watcher.BeginSpawn();
            long startedAt = services.Loop.Clock.GetTimestamp();
            SpawnedChild spawned = Spawn(startInfo, streams, cancellationToken);
            child = new ChildProcess(services, consumer, startInfo.FileName, spawned, startedAt) { StopSignal = startInfo.StopSignal };
            child.OpenStreams(spawned, grow: startInfo.PipeCapacity is null && spawned.Terminal is null);
            // Before the log, which may block: from here on the factory's end reaches the child.
            bool added = child.IsLeftAlone || services.Live.TryAdd(child);
            SubprocessLog.Started(services.Logger, child.FileName, child.Id);
            failure = TryBegin(child, added, startInfo);
        }
        catch (Exception e)
        {
            // Whatever failed: a child that was made is not left behind.
            return child is null ? ValueTask.FromException<ChildProcess>(e) : DestroyAsync(child, e);
        }
        if (failure is null && cancellationToken.IsCancellationRequested)
            failure = new OperationCanceledException(cancellationToken);
        return failure is null ? ValueTask.FromResult(child) : DestroyAsync(child, failure);
    }

    /// <summary>Before any descriptor is made.</summary>
    private void ThrowIfInactive()
    {
        if (services.Live.IsClosed)
            throw Closed();
        if (!services.Watcher.IsActive || !services.Loop.IsRunning)
            throw new InvalidOperationException(
                $"{services.Watcher.GetType().Name} is {(services.Watcher.IsActive ? "active" : "not active")} and loop '{services.Loop.Name}' is {services.Loop.State}: no child was started.");
    }

    private SpawnedChild Spawn(SubprocessStartInfo startInfo, RunStreams streams, CancellationToken cancellationToken)
    {
        SpawnedChild spawned;
        try
        {
            spawned = Spawner.Start(startInfo, streams.Input, streams.Output, streams.Error, services.Logger, services.Environment, cancellationToken);
        }
        catch (SubprocessStartException e)
        {
            services.Metrics.StartFailed(e.ErrorName);
            SubprocessLog.StartFailed(services.Logger, e, startInfo.FileName);
            throw;
        }
        services.Metrics.Started();
        return spawned;
    }

    private Exception? TryBegin(ChildProcess child, bool added, SubprocessStartInfo startInfo)
    {
        try
        {
            child.Begin();
            return added ? null : Closed();
        }
        catch (IOException e)
        {
            SubprocessStartException failure = StartErrors.NotWatched(startInfo, e);
            services.Metrics.StartFailed(failure.ErrorName);
            SubprocessLog.StartFailed(services.Logger, failure, startInfo.FileName);
            return failure;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            return e;
        }
    }

    private static async ValueTask<ChildProcess> DestroyAsync(ChildProcess child, Exception failure)
    {
        await child.DestroyAsync().ConfigureAwait(false);
        throw failure;
    }

    private static InvalidOperationException Closed() => new($"The {nameof(SubprocessFactory)} has been stopped: it starts no more children.");
}
