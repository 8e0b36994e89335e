/** PM2: `pm2 start ecosystem.config.cjs`, then `pm2 reload drain` for a deploy. */
module.exports = {
  apps: [
    {
      name: "drain",
      script: "../drain.mjs",
      cwd: __dirname,
      exec_mode: "cluster",
      instances: 2,
      // A reload goes on when the new process has said that it serves: installShutdown says it.
      wait_ready: true,
      listen_timeout: 10_000,
      // PM2 kills after 1.6 s unless told otherwise. lameDuckMs + drainTimeoutMs + a quarter second.
      kill_timeout: 12_000,
      env: { PORT: "8080" },
    },
  ],
};
