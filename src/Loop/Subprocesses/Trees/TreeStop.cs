using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

// Constraints
//  - Who descends from whom can only be seen before the parents die: orphans have another parent.
//  - A group's and a session's number mean them only until the leader is reaped, or as long as one that was in them before
//    still is (the kernel gives no number to a new process that is still a group's or a session's).
//  - A process that has left group and session may be meant to live on: it is told of, not killed.
// Scheme
//  1. Note the tree: descendants, the group, and the session where the child leads one; each with its start time.
//  2. The child's own ladder, whose last signal to the group goes out before the reap.
//  3. Kill what is left of group and session one by one, each through a pidfd that is proven to be of the one that was noted;
//     until none is left, or for LastEnds.
//  4. Whoever of the tree lives on is told of, with what it has started meanwhile.
internal sealed class TreeStop(SubprocessServices services, ChildProcess child)
{
    private static readonly TimeSpan LastEnds = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(1);

    private readonly Dictionary<int, ProcessEntry> _tree = [];
    private bool _leadsSession;

    internal async Task<(ChildExitStatus Status, IReadOnlyList<SurvivingProcess> Survivors)> RunAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        child.KillGroupAtExit();
        // Looking at every process takes longer than the loop should be held.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Exception? unseen = TryNote();
        Task<ChildExitStatus> stopped = child.StopAsync(grace, cancellationToken);
        if (grace > TimeSpan.Zero && !cancellationToken.IsCancellationRequested)
            TerminateOtherGroups();
        ChildExitStatus exit = await stopped.ConfigureAwait(false);
        if (unseen is not null)
            throw new IOException($"{child} and its group were stopped, but what else it had started is not known: {unseen.Message}", unseen);
        await KillRestAsync().ConfigureAwait(false);
        return (exit, Survivors(ProcessTable.Read()));
    }

    /// <summary>What keeps us from seeing the tree, such as EMFILE, is no reason to let the child run.</summary>
    private Exception? TryNote()
    {
        try
        {
            Note();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e;
        }
    }

    private void Note()
    {
        List<ProcessEntry> entries = ProcessTable.Read();
        int leader = entries.FindIndex(entry => entry.Id == child.Id);
        // Seen before the reap, the number was the child's.
        if (leader < 0 || child.HasExited)
            return;
        _leadsSession = entries[leader].Session == child.Id;
        _tree.Add(child.Id, entries[leader]);
        ProcessTable.Collect(entries, _tree, IsInside);
        _tree.Remove(child.Id);
    }

    /// <summary>The child's own group has had the signals of the ladder.</summary>
    private void TerminateOtherGroups()
    {
        foreach (ProcessEntry member in _tree.Values)
        {
            if (!IsInside(member) || member.Group == child.Id)
                continue;
            Send(member, SIGTERM);
            Send(member, SIGCONT);
        }
    }

    private async Task KillRestAsync()
    {
        long begun = services.Loop.Clock.GetTimestamp();
        for (TimeSpan pause = FirstPause; AnyIsDying(ProcessTable.Read()) && services.Loop.Clock.GetElapsedTime(begun) < LastEnds; pause *= 2)
            await Task.Delay(pause, services.Loop.Clock, CancellationToken.None).ConfigureAwait(false);
    }

    private bool AnyIsDying(List<ProcessEntry> entries) =>
        KillInside(entries) || (child.HasCgroup && entries.Exists(entry => entry.IsAlive && IsKnown(entry)));

    /// <summary>False once nobody is left.</summary>
    private bool KillInside(List<ProcessEntry> entries)
    {
        if (!entries.Exists(IsKnownInside))
            return false;
        foreach (ProcessEntry entry in entries)
        {
            // One of those that were noted is still there: so the numbers mean what they meant.
            if (!entry.IsAlive || !IsInside(entry))
                continue;
            _tree[entry.Id] = entry;
            Send(entry, SIGKILL);
        }
        return true;
    }

    private bool IsInside(ProcessEntry entry) =>
        (child.LeadsGroup && entry.Group == child.Id) || (_leadsSession && entry.Session == child.Id);

    private bool IsKnownInside(ProcessEntry entry) => entry.IsAlive && IsInside(entry) && IsKnown(entry);

    private bool IsKnown(ProcessEntry entry) => _tree.TryGetValue(entry.Id, out ProcessEntry known) && known.IsSameAs(entry);

    private List<SurvivingProcess> Survivors(List<ProcessEntry> entries)
    {
        Dictionary<int, ProcessEntry> left = [];
        ProcessTable.Collect(entries.FindAll(entry => entry.IsAlive), left, IsKnown);
        return [.. left.Values.OrderBy(entry => entry.Id).Select(entry => new SurvivingProcess(entry.Id, entry.Name))];
    }

    /// <summary>Without a pidfd nothing is sent: the number might be another's by now. Who is left is told of.</summary>
    private static void Send(in ProcessEntry process, int signal)
    {
        PosixResult opened = Libc.PidfdOpen(process.Id);
        if (opened.IsError)
            return;
        using UnixHandle pidfd = new(opened.IntValue);
        if (IsStillThere(process))
            _ = Libc.PidfdSendSignal(pidfd.Descriptor, signal);
    }

    private static bool IsStillThere(in ProcessEntry process)
    {
        try
        {
            return ProcessEntry.Read(process.Id) is { } now && now.IsSameAs(process);
        }
        catch (IOException)
        {
            return false; // EMFILE: not proven
        }
    }
}
