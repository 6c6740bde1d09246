using System.Diagnostics;
using System.Globalization;

namespace UnixLoop.Subprocesses;

/// <summary>The span of one run: OpenTelemetry's conventions for CLI programs, on the caller's side (docs/diagnostics.md). Nothing at all while nobody listens.</summary>
internal readonly struct RunSpan
{
    /// <summary>Null where a listener threw when it was told of it: there are no spans then.</summary>
    private static readonly ActivitySource? Source = CreateQuietly();

    private readonly Activity? _activity;

    private RunSpan(Activity? activity) => _activity = activity;

    internal static RunSpan Start(SubprocessStartInfo startInfo, bool recordArguments)
    {
        if (Source?.HasListeners() != true)
            return default;
        // Read first: a list that is changed meanwhile throws, and leaves no span then.
        string[]? arguments = recordArguments ? [startInfo.Argv0 ?? startInfo.FileName, .. startInfo.Arguments] : null;
        Activity? caller = Activity.Current;
        string name = Path.GetFileName(startInfo.FileName);
        Activity? activity = StartQuietly(name);
        // Not current: an async iterator would carry it into the code between two lines.
        SetCurrentQuietly(caller);
        activity?.SetTag("process.executable.name", name);
        if (arguments is not null)
            activity?.SetTag("process.command_args", arguments);
        return new RunSpan(activity);
    }

    internal bool IsRecorded => _activity is not null;

    internal void OnStarted(ChildProcess child) => _activity?.SetTag("process.pid", child.Id);

    /// <summary>On the thread pool: listeners hold up neither the loop nor other starts.</summary>
    internal async ValueTask EndWithFailureAsync(Exception error)
    {
        if (_activity is null || _activity.IsStopped)
            return;
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        SetError(error switch
        {
            SubprocessStartException start => start.ErrorName,
            OperationCanceledException => "cancelled",
            _ => error.GetType().FullName!,
        });
        Stop();
    }

    /// <summary>Of a child that was started.</summary>
    /// <param name="child">It has exited, unless it can't be stopped.</param>
    /// <param name="reason">Why it was stopped, if it was.</param>
    /// <param name="failure">What the run throws, if it does.</param>
    internal void End(ChildProcess child, RunEnd reason, Exception? failure)
    {
        if (_activity is null)
            return;
        ChildExitStatus? exit = child.ExitStatus;
        if (exit?.ExitCode is int code)
            _activity.SetTag("process.exit.code", code);
        string? error = reason switch
        {
            RunEnd.Cancelled => "cancelled",
            RunEnd.Failed => "failed",
            _ when failure is not null => failure.GetType().FullName,
            RunEnd.TimedOut => "timeout",
            _ => exit is { IsSuccess: false } failed ? Describe(failed) : null,
        };
        if (error is not null)
            SetError(error);
        Stop();
    }

    private static string Describe(in ChildExitStatus exit) => exit.Kind switch
    {
        ChildExitKind.Exited => exit.ExitCode!.Value.ToString(CultureInfo.InvariantCulture),
        ChildExitKind.Signaled => exit.Signal.ToString()!,
        ChildExitKind.ReapedElsewhere => "reaped_elsewhere",
        _ => "unknown",
    };

    private void SetError(string type)
    {
        _activity!.SetTag("error.type", type);
        _activity.SetStatus(ActivityStatusCode.Error);
    }

    private void Stop()
    {
        Activity? current = Activity.Current;
        try
        {
            _activity!.Stop();
        }
        catch (Exception)
        {
            // As with ForgivingMeasurements: a listener's failure is less than a run.
        }
        SetCurrentQuietly(current);
    }

    private static ActivitySource? CreateQuietly()
    {
        try
        {
            return new ActivitySource("UnixLoop");
        }
        catch (Exception)
        {
            return null; // as above
        }
    }

    private static Activity? StartQuietly(string name)
    {
        try
        {
            return Source!.StartActivity(name, ActivityKind.Client);
        }
        catch (Exception)
        {
            return null; // as above
        }
    }

    private static void SetCurrentQuietly(Activity? activity)
    {
        try
        {
            Activity.Current = activity;
        }
        catch (Exception)
        {
            // As above: of Activity.CurrentChanged.
        }
    }
}
