using System.Runtime.InteropServices;
using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

/// <summary>What a <see cref="SubprocessStartInfo"/> must not ask for; checked before anything is opened.</summary>
internal static class StartInfoRules
{
    /// <summary>0 to 2 are the three streams.</summary>
    internal const int LowestExtraDescriptor = 3;

    /// <summary>The usual soft limit of descriptors, and the most gaps below that need a close of their own.</summary>
    internal const int HighestExtraDescriptor = 1023;

    /// <summary>One page, the smallest pipe (pipe(7)).</summary>
    internal const int SmallestPipe = 4096;

    /// <exception cref="ArgumentException">Names the property, its value and the rule.</exception>
    internal static void Check(SubprocessStartInfo info, Stdio input, Stdio output, Stdio error)
    {
        CheckTexts(info);
        CheckEnvironment(info);
        CheckStream(input, nameof(info.Input), isError: false);
        CheckStream(output, nameof(info.Output), isError: false);
        CheckStream(error, nameof(info.Error), isError: true);
        CheckDescriptors(info);
        CheckTerminal(info, input, output, error);

        if (info.Attributes is not null)
            AttributeRules.Check(info.Attributes);
        if (info.PipeCapacity < SmallestPipe)
            throw Refuse(nameof(info.PipeCapacity), $"is {info.PipeCapacity}; a pipe holds {SmallestPipe} bytes or more (pipe(7))");
        if (info.StopSignal == default)
            throw Refuse(nameof(info.StopSignal), "is no signal: a signal's number is 1 to 64");
        if (info.ProcessGroup is < ProcessGroup.Default or > ProcessGroup.NewSession)
            throw Refuse(nameof(info.ProcessGroup), $"is {info.ProcessGroup}, which is none of its values");
    }

    private static void CheckTexts(SubprocessStartInfo info)
    {
        CheckText(info.FileName, nameof(info.FileName));
        CheckText(info.Argv0, nameof(info.Argv0));
        CheckText(info.WorkingDirectory, nameof(info.WorkingDirectory));
        if (info.WorkingDirectory is "")
            throw Refuse(nameof(info.WorkingDirectory), "is empty; null stands for our own");

        IList<string> arguments = info.Arguments;
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i] ?? throw Refuse($"{nameof(info.Arguments)}[{i}]", "is null; an argument may be empty, but has to be there");
            if (PosixText.FaultOf(argument) is not null)
                CheckText(argument, $"{nameof(info.Arguments)}[{i}]");
        }
    }

    private static void CheckEnvironment(SubprocessStartInfo info)
    {
        if (info.Environment.Count == 0)
            return;
        foreach ((string name, string? value) in info.Environment)
        {
            if (name.Length == 0)
                throw Refuse(nameof(info.Environment), "has a variable with an empty name");
            if (name.Contains('='))
                throw Refuse(nameof(info.Environment), $"has a variable named '{name}'; a name can't hold '=' (environ(7))");
            if (PosixText.FaultOf(name) is not null)
                CheckText(name, $"a name in {nameof(info.Environment)}");
            if (PosixText.FaultOf(value) is not null)
                CheckText(value, $"{nameof(info.Environment)}[{name}]");
        }
    }

    private static void CheckStream(Stdio stream, string property, bool isError)
    {
        if (stream.Kind == StdioKind.AsOutput && !isError)
            throw Refuse(property, $"is {nameof(Stdio)}.{nameof(Stdio.AsOutput)}, which only {nameof(SubprocessStartInfo.Error)} can be");
        if (stream.Kind == StdioKind.File)
            CheckText(stream.Path, property);
        if (stream.Kind == StdioKind.Descriptor)
            CheckOpen(stream.Handle, property);
    }

    private static void CheckTerminal(SubprocessStartInfo info, Stdio input, Stdio output, Stdio error)
    {
        bool other = IsOther(input, output) || IsOther(error, output);
        if (other)
            throw Refuse(nameof(info.Output), $"is {output}, and not the same {nameof(Stdio)}.{nameof(Stdio.Pty)} as another stream: a child has one terminal, and what it shows comes from {nameof(info.Output)}");
        if (output.Kind == StdioKind.Pty && info.ProcessGroup is (ProcessGroup.Inherit or ProcessGroup.Foreground))
            throw Refuse(nameof(info.ProcessGroup), $"is {info.ProcessGroup}; a child with a terminal of its own leads a session of its own (setsid(2))");

        static bool IsOther(Stdio stream, Stdio output) => stream.Kind == StdioKind.Pty && !ReferenceEquals(stream, output);
    }

    private static void CheckDescriptors(SubprocessStartInfo info)
    {
        if (info.Descriptors.Count == 0)
            return;
        foreach ((int number, SafeHandle handle) in info.Descriptors)
        {
            if (number is < LowestExtraDescriptor or > HighestExtraDescriptor)
                throw Refuse($"{nameof(info.Descriptors)}[{number}]", $"is outside {LowestExtraDescriptor} to {HighestExtraDescriptor} (0 to 2 are {nameof(info.Input)}, {nameof(info.Output)} and {nameof(info.Error)})");
            CheckOpen(handle, $"{nameof(info.Descriptors)}[{number}]");
        }
    }

    private static void CheckOpen(SafeHandle? handle, string property)
    {
        if (handle is null)
            throw Refuse(property, "is null; it has to be an open descriptor");
        if (handle.IsClosed || handle.IsInvalid)
            throw Refuse(property, handle.IsClosed ? "has been closed" : "is not a valid descriptor");
    }

    private static void CheckText(string? text, string property)
    {
        if (PosixText.FaultOf(text) is { } fault)
            throw Refuse(property, fault);
    }

    private static ArgumentException Refuse(string property, string rule) => new($"{nameof(SubprocessStartInfo)}: {property} {rule}.");
}
