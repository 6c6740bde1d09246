using System.Collections;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;

namespace UnixLoop.Init;

/// <summary>What an init starts: files to try in this order, and the bytes of arguments and variables, each ended by NUL.</summary>
internal sealed unsafe class InitProgram
{
    private const string OwnFile = "/proc/self/exe";
    private readonly string[] _files;
    private readonly byte[] _arguments;
    private byte[] _variables = Without(InitReexec.Variable, OwnVariables());

    private InitProgram(string[] files, byte[] arguments) => (_files, _arguments) = (files, arguments);

    /// <summary>This program once more: by its name, so that ps(1) shows that, or by the link where the file has gone (proc_pid_cmdline(5), proc_pid_environ(5)).</summary>
    internal static InitProgram Self() => new([OwnName(Environment.ProcessPath)], File.ReadAllBytes("/proc/self/cmdline"));

    /// <summary>
    /// The name, if it is ours still. By rename(2) another file may have it by now; and of fexecve(3) the runtime knows only the path of a
    /// descriptor (AT_EXECFN of getauxval(3)), whose number may have become another's.
    /// </summary>
    internal static string OwnName(string? name) =>
        name is not null && Libc.Identity(name, out FileIdentity named).IsSuccess && Libc.Identity(OwnFile, out FileIdentity own).IsSuccess && named == own ? name : OwnFile;

    /// <summary>As execvp(3) looks for it.</summary>
    internal static InitProgram Command(string fileName, IEnumerable<string> arguments)
    {
        string[] files = fileName.Contains('/')
            ? [fileName]
            : [.. (Environment.GetEnvironmentVariable("PATH") ?? ProgramSearch.DefaultPath).Split(':').Select(folder => Path.Combine(folder.Length > 0 ? folder : ".", fileName))];
        return new InitProgram(files, [.. arguments.Prepend(fileName).SelectMany(Terminated)]);
    }

    /// <summary>In the place of others of its name: of two the first would count.</summary>
    internal void SetVariable(string name, string value) => _variables = [.. Without(name, _variables), .. Terminated($"{name}={value}")];

    /// <summary>In our place; returns only if that fails. For <see cref="Self"/>, which has one file.</summary>
    internal PosixResult Execute()
    {
        fixed (byte* path = Terminated(_files[0]))
        fixed (byte* argumentsText = _arguments)
        fixed (byte* variablesText = _variables)
        fixed (nint* argv = Pointers(argumentsText, _arguments.Length))
        fixed (nint* envp = Pointers(variablesText, _variables.Length))
            return Libc.Execute(path, (byte**)argv, (byte**)envp);
    }

    /// <summary>
    /// The first file that can be executed; a script that names no interpreter is the shell's, as for execvp(3). Of the errors, one about a
    /// file that is there is the one to tell.
    /// </summary>
    internal PosixResult Spawn(byte* actions, byte* attributes)
    {
        PosixResult error = PosixResult.Failure(ENOENT);
        fixed (byte* argumentsText = _arguments)
        fixed (byte* variablesText = _variables)
        fixed (nint* argv = Pointers(argumentsText, _arguments.Length))
        fixed (nint* envp = Pointers(variablesText, _variables.Length))
        {
            foreach (string file in _files)
            {
                PosixResult result;
                fixed (byte* path = Terminated(file))
                    result = Libc.Spawn(path, actions, attributes, (byte**)argv, (byte**)envp);
                if (result.IsSuccess)
                    return result;
                if (result.Errno == ENOEXEC && file != SubprocessStartInfo.ShellFile)
                    return ByShell(file).Spawn(actions, attributes);
                if (result.Errno != ENOENT && result.Errno != ENOTDIR)
                    error = result;
            }
        }
        return error;
    }

    /// <summary>ENOENT may mean the interpreter or the loader of a file that is there (execve(2)): names it then.</summary>
    internal IOException WhyNotStarted(PosixResult error)
    {
        string call = $"start '{this}' as the child of an init";
        if (error.Errno == ENOENT)
        {
            foreach (ProgramInterpreter interpreter in _files.SelectMany(file => ProgramFile.Interpreters(file, static path => path)))
            {
                if (Libc.Access(interpreter.Path, F_OK).Errno == ENOENT)
                    return new IOException($"{PosixError.Name(ENOENT)}: {call}: {interpreter.Describe()} is missing", ENOENT);
            }
        }
        return PosixError.ToException(error, call);
    }

    private InitProgram ByShell(string file)
    {
        int secondArgument = Array.IndexOf(_arguments, (byte)0) + 1;
        return new InitProgram([SubprocessStartInfo.ShellFile], [.. Terminated(SubprocessStartInfo.ShellFile), .. Terminated(file), .. _arguments[secondArgument..]]) { _variables = _variables };
    }

    public override string ToString() => _files.Length == 1 ? _files[0] : Path.GetFileName(_files[0]);

    private static byte[] OwnVariables()
    {
        try
        {
            return File.ReadAllBytes("/proc/self/environ");
        }
        catch (UnauthorizedAccessException)
        {
            // Root's, where a program has capabilities, or may be executed and not read (PR_SET_DUMPABLE(2const)). The runtime has read them at its start.
            return [.. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().SelectMany(static variable => Terminated($"{variable.Key}={variable.Value}"))];
        }
    }

    private static byte[] Without(string name, ReadOnlySpan<byte> variables)
    {
        byte[] begin = Encoding.UTF8.GetBytes(name + '=');
        List<byte> others = [];
        while (!variables.IsEmpty)
        {
            int length = variables.IndexOf((byte)0) + 1;
            ReadOnlySpan<byte> variable = length > 0 ? variables[..length] : variables;
            variables = variables[variable.Length..];
            if (!variable.StartsWith(begin))
                others.AddRange(variable);
        }
        return [.. others];
    }

    private static byte[] Terminated(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    /// <summary>To each of the NUL-terminated strings in <paramref name="text"/>, and a null.</summary>
    private static nint[] Pointers(byte* text, int length)
    {
        List<nint> pointers = [];
        for (int start = 0; start < length;)
        {
            pointers.Add((nint)(text + start));
            int end = new ReadOnlySpan<byte>(text + start, length - start).IndexOf((byte)0);
            start = end < 0 ? length : start + end + 1;
        }
        return [.. pointers, 0];
    }
}
