using System.Buffers.Binary;
using System.Diagnostics;

namespace UnixLoop.Loop.Tests.Spawning;

/// <summary>Each reason for a start that fails, told exactly and at once; SpawningTest sees that nothing is left behind.</summary>
public sealed class StartErrorTests : SpawningTest
{
    [Fact]
    public void Start_NoSuchFile_IsNotFound() =>
        AssertFails(new("/no/such/program"), SubprocessStartError.NotFound, "ENOENT: can't start '/no/such/program': no such file '/no/such/program'");

    [Fact]
    public void Start_FileAsDirectory_IsNotFound() =>
        AssertFails(new("/etc/passwd/x"), SubprocessStartError.NotFound, "ENOTDIR: can't start '/etc/passwd/x': a part of the path '/etc/passwd/x' is not a directory");

    [Fact]
    public void Start_Directory_IsNotExecutable() =>
        AssertFails(new("/tmp"), SubprocessStartError.NotExecutable, "EACCES: can't start '/tmp': '/tmp' is a directory");

    [Fact]
    public void Start_NoExecutePermission_IsNotExecutable()
    {
        string file = NewFile("data", "#!/bin/sh\n", (UnixFileMode)0b110_100_100);
        AssertFails(new(file), SubprocessStartError.NotExecutable, $"EACCES: can't start '{file}': '{file}' has no execute permission for us (mode 0644)");
    }

    [Fact]
    public void Rule10_WorkingDirectoryMissing_IsTold()
    {
        // posix_spawn says ENOENT, as for a missing program.
        SubprocessStartInfo info = new("true") { WorkingDirectory = $"{Folder}/gone" };
        AssertFails(info, SubprocessStartError.WorkingDirectory, $"ENOENT: can't start 'true': the working directory '{Folder}/gone' does not exist");
    }

    [Fact]
    public void Rule10_WorkingDirectoryIsAFile_IsTold()
    {
        string file = NewFile("file", "");
        SubprocessStartInfo info = new("/bin/true") { WorkingDirectory = file };
        AssertFails(info, SubprocessStartError.WorkingDirectory, $"ENOTDIR: can't start '/bin/true': the working directory '{file}' is not a directory");
    }

    [Fact]
    public void Rule10_ProgramMissingInAGoodDirectory_IsNotTheDirectorysFault()
    {
        SubprocessStartInfo info = new("./tool") { WorkingDirectory = Folder };
        AssertFails(info, SubprocessStartError.NotFound, "ENOENT: can't start './tool': no such file './tool'");
    }

    [Fact]
    public void Rule10_InterpreterMissing_IsNamed()
    {
        string script = NewFile("script", "#! /usr/bin/no-such-perl -w\n");
        AssertFails(new(script), SubprocessStartError.MissingInterpreter, $"ENOENT: can't start '{script}': the interpreter '/usr/bin/no-such-perl' of '{script}' is missing");
    }

    [Fact]
    public void Rule10_InterpreterWithACarriageReturn_ShowsIt()
    {
        string script = NewFile("script", "#!/bin/sh\r\necho\r\n");
        AssertFails(new(script), SubprocessStartError.MissingInterpreter, $"ENOENT: can't start '{script}': the interpreter '/bin/sh\\r' of '{script}' is missing");
    }

    [Fact]
    public void Rule10_InterpretersInterpreterMissing_IsNamed()
    {
        string inner = NewFile("inner", "#!/no/such/interpreter\n");
        string outer = NewFile("outer", $"#!{inner}\n");
        AssertFails(new(outer), SubprocessStartError.MissingInterpreter, $"ENOENT: can't start '{outer}': the interpreter '/no/such/interpreter' of '{inner}' is missing");
    }

    [Fact]
    public void Rule10_RelativeInterpreter_CountsFromTheChildsDirectory()
    {
        NewFile("script", "#!missing/sh\n");
        SubprocessStartInfo info = new("./script") { WorkingDirectory = Folder };
        AssertFails(info, SubprocessStartError.MissingInterpreter, $"ENOENT: can't start './script': the interpreter 'missing/sh' of '{Folder}/./script' is missing");
    }

    [Fact]
    public void Rule10_LoaderMissing_IsNamed()
    {
        string binary = NewFile("binary", "");
        File.WriteAllBytes(binary, ElfWithLoader("/lib/ld-none.so.1"));
        AssertFails(new(binary), SubprocessStartError.MissingInterpreter, $"ENOENT: can't start '{binary}': the loader '/lib/ld-none.so.1' of '{binary}' is missing");
    }

    [Fact]
    public void Start_InterpreterWithoutPermission_IsNotExecutable()
    {
        string interpreter = NewFile("interpreter", "", UnixFileMode.UserRead);
        string script = NewFile("script", $"#!{interpreter}\n");
        AssertFails(new(script), SubprocessStartError.NotExecutable,
            $"EACCES: can't start '{script}': the interpreter '{interpreter}' of '{script}' may not be executed: '{interpreter}' has no execute permission for us (mode 0400)");
    }

    [Fact]
    public void Start_EmptyFile_IsBadFormatAndNoShellScript()
    {
        string file = NewFile("empty", "");
        AssertFails(new(file), SubprocessStartError.BadFormat, $"ENOEXEC: can't start '{file}': '{file}' is empty");
    }

    [Fact]
    public void Start_ScriptWithoutInterpreterLine_IsBadFormat()
    {
        string file = NewFile("text", "echo hello\n");
        AssertFails(new(file), SubprocessStartError.BadFormat, $"ENOEXEC: can't start '{file}': '{file}' is neither a binary for this machine nor a script with a #! line");
    }

    [Fact]
    public void Start_BinaryOfAnotherMachine_IsBadFormat()
    {
        string file = NewFile("foreign", "");
        byte[] elf = ElfWithLoader("/lib/ld.so");
        BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(18), 0x7FFF); // e_machine
        File.WriteAllBytes(file, elf);
        AssertFails(new(file), SubprocessStartError.BadFormat, $"ENOEXEC: can't start '{file}': '{file}' is neither a binary for this machine nor a script with a #! line");
    }

    [Fact]
    public void Start_OneArgumentTooLong_IsNamed()
    {
        int longest = 32 * Environment.SystemPageSize - 1;
        AssertFails(new("true", "a", new string('x', longest + 1)), SubprocessStartError.ArgumentsTooLong, $"E2BIG: can't start 'true': Arguments[1] has {longest + 1} bytes; the kernel takes {longest}");
    }

    [Fact]
    public void Start_ArgumentsTooLongTogether_IsTold()
    {
        string[] arguments = [.. Enumerable.Repeat(new string('x', 100_000), 100)];
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Spawned.Start(new("true", arguments)));
        Assert.Equal((SubprocessStartError.ArgumentsTooLong, "E2BIG"), (e.Reason, e.ErrorName));
    }

    [Fact]
    public void Start_NoPipesLeftBehind_WhateverFails()
    {
        SubprocessStartInfo info = new("/no/such/program") { WorkingDirectory = Folder };
        for (int i = 0; i < 20; i++)
            Assert.Throws<SubprocessStartException>(() => Spawned.Start(info, Stdio.Pipe, Stdio.Pipe, Stdio.Pipe));
    }

    [Fact]
    public void Rule10_FileBeingWritten_IsTriedFor100Milliseconds()
    {
        string file = NewScriptCopy();
        using FileStream writer = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        long start = Stopwatch.GetTimestamp();
        AssertFails(new(file), SubprocessStartError.Busy, $"ETXTBSY: can't start '{file}': '{file}' is open for writing, still after 100 ms");
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task Rule10_FileWrittenMeanwhile_StartsOnceItIsClosed()
    {
        // Closed only after the first try has failed; if that comes too late for 100 ms on a busy machine, once more.
        for (int attempt = 1; ; attempt++)
        {
            string file = NewScriptCopy();
            FileStream writer = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            long start = Stopwatch.GetTimestamp();
            Task closing = Task.Run(() =>
            {
                SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(start) > TimeSpan.FromMilliseconds(15));
                writer.Dispose();
            });
            try
            {
                Assert.Equal(0, Spawned.Reap(Spawned.Start(new(file))));
                Assert.True(Stopwatch.GetElapsedTime(start) > TimeSpan.FromMilliseconds(15));
                return;
            }
            catch (SubprocessStartException e) when (e.Reason == SubprocessStartError.Busy && attempt < 20)
            {
            }
            finally
            {
                await closing.WaitAsync(TestTimeout);
            }
        }
    }

    /// <summary>A binary: the kernel lets scripts be written while they run.</summary>
    private string NewScriptCopy()
    {
        string file = NewFile("program", "");
        File.WriteAllBytes(file, File.ReadAllBytes("/bin/true"));
        return file;
    }

    /// <summary>A program header table with PT_INTERP alone, for this machine (elf(5)).</summary>
    private static byte[] ElfWithLoader(string loader)
    {
        const int Table = 64, Name = 256;
        byte[] file = new byte[512];
        byte[] running = new byte[64];
        using (FileStream self = File.OpenRead("/proc/self/exe"))
            self.ReadExactly(running);
        running.CopyTo(file, 0); // e_ident, e_type, e_machine, e_version
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(32), Table); // e_phoff
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(54), 56); // e_phentsize
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(56), 1); // e_phnum
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(Table), 3); // p_type: PT_INTERP
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(Table + 8), Name); // p_offset
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(Table + 32), loader.Length + 1); // p_filesz
        System.Text.Encoding.ASCII.GetBytes(loader, file.AsSpan(Name));
        return file;
    }

    private static void AssertFails(SubprocessStartInfo info, SubprocessStartError reason, string message)
    {
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Spawned.Start(info));
        Assert.Equal(message, e.Message);
        Assert.Equal(reason, e.Reason);
        Assert.Equal(info.FileName, e.FileName);
        Assert.StartsWith(e.ErrorName + ":", e.Message, StringComparison.Ordinal);
    }
}
