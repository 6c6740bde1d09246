namespace UnixLoop.Process.Tests.Architecture;

/// <summary>Each name of asyncio's Unix event loop (CPython 3.8, unix_events.py) has a row in docs/asyncio.md.</summary>
public sealed class AsyncioMapTests
{
    public static TheoryData<string> Names =>
    [
        // The module.
        "SelectorEventLoop", "AbstractChildWatcher", "BaseChildWatcher", "SafeChildWatcher", "FastChildWatcher", "MultiLoopChildWatcher",
        "ThreadedChildWatcher", "PidfdChildWatcher", "DefaultEventLoopPolicy", "_UnixReadPipeTransport", "_UnixWritePipeTransport",
        "_UnixSubprocessTransport", "_sighandler_noop", "_compute_returncode",
        // The loop.
        "__init__", "close", "add_signal_handler", "remove_signal_handler", "create_unix_connection", "create_unix_server",
        "_process_self_data", "_handle_signal", "_check_signal", "_make_read_pipe_transport", "_make_write_pipe_transport",
        "_make_subprocess_transport", "_child_watcher_callback", "_sock_sendfile_native", "_sock_sendfile_update_filepos",
        "_sock_sendfile_native_impl", "_sock_add_cancellation_callback",
        // What it calls and inherits.
        "siginterrupt", "os.fspath", "SendfileNotAvailableError", "sockets", "is_serving", "start_serving", "serve_forever", "close_clients",
        "abort_clients", "wait_closed", "call_soon", "call_soon_threadsafe", "call_later", "call_at", "time", "run_coroutine_threadsafe",
        "create_task", "add_reader", "remove_reader", "add_writer", "remove_writer", "call_exception_handler", "set_exception_handler",
        "set_debug", "run_forever", "run_until_complete", "is_running", "is_closed", "run_in_executor", "shutdown_asyncgens",
        "shutdown_default_executor", "ssl_handshake_timeout", "server_hostname", "sock_sendall", "subprocess_exec", "subprocess_shell",
        // The transports.
        "max_size", "pause_reading", "resume_reading", "set_protocol", "get_protocol", "is_closing", "abort", "write",
        "can_write_eof", "write_eof", "get_write_buffer_size", "__repr__", "__del__", "_read_ready", "_write_ready", "_fatal_error",
        "_close", "_call_connection_lost", "_start", "set_write_buffer_limits", "get_extra_info", "pipe_data_received",
        "pipe_connection_lost", "process_exited",
        // A subprocess.
        "get_pid", "get_returncode", "get_pipe_transport", "wait", "communicate", "send_signal", "terminate", "kill", "preexec_fn",
        "start_new_session", "pass_fds", "encoding", "bufsize", "universal_newlines", "limit",
        // The watchers.
        "add_child_handler", "remove_child_handler", "attach_loop", "is_active", "__enter__", "__exit__", "_do_waitpid",
        "_do_waitpid_all", "_sig_chld",
        // The policy.
        "get_event_loop", "get_running_loop", "new_event_loop", "set_event_loop", "get_child_watcher", "set_child_watcher", "_init_watcher",
    ];

    [Theory, MemberData(nameof(Names))]
    public void Map_EveryName_HasARow(string name)
    {
        string firstColumns = string.Join('\n', Repository.ReadDocument("docs/asyncio.md").Split('\n')
            .Where(line => line.StartsWith('|')).Select(line => line.Split('|')[1]));
        Assert.True(firstColumns.Contains($"`{name}`", StringComparison.Ordinal) || firstColumns.Contains($"`{name}(", StringComparison.Ordinal), name);
    }
}
