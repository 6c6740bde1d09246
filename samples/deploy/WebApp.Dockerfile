# From the repository's root: docker buildx build --platform linux/amd64,linux/arm64 -f samples/deploy/WebApp.Dockerfile .
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
RUN apt-get update && apt-get install -y --no-install-recommends gcc gcc-aarch64-linux-gnu gcc-x86-64-linux-gnu libc6-dev && rm -rf /var/lib/apt/lists/*
RUN dotnet publish samples/WebApp -c Release -a $TARGETARCH --self-contained false -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
WORKDIR /app
COPY --from=build /app .
USER $APP_UID
ENV UnixEventLoop__ShutdownDelay=00:00:05
# A Unix socket alone (WebApp__Socket says where): without this, the sample's appsettings.json adds TCP 127.0.0.1:5080, which nobody outside of the container reaches.
ENV WebApp__Tcp=
# The base image asks for TCP on 8080; Kestrel would warn that WebApp's own endpoints win.
ENV ASPNETCORE_HTTP_PORTS=
# The image has .NET and WebApp alone: no sleep(1) for the sample's supervised process, and none of the programs in WebApp:Commands.
ENV UnixEventLoop__Processes__idler__AutoStart=false
# No init is needed: Main begins with UnixInit.RunAsPid1.
ENTRYPOINT ["/app/WebApp"]
STOPSIGNAL SIGTERM
